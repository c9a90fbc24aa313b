/**
 * A session that is pulled: a loop that takes a frame, does its work, and takes the next.
 * Run: npx tsx examples/asyncIterator.ts
 */
import { setTimeout as work } from 'node:timers/promises';
import { DefinitionSyncFanout } from 'ddl-fanout';

const fanout = new DefinitionSyncFanout({ catalog: true });
const put = (name: string): void => {
  fanout.broadcast({ definitionType: 'procedure', name, action: 'put', payload: new TextEncoder().encode('{}') });
};

put('shop.place_order(bigint)'); // before anybody listens: the catalog has it for whoever asks for a replay
const receiver = fanout.receiver('worker', { replay: true, overflow: 'catch-up', capacity: 4 });
put('shop.cancel_order(bigint)');
for (let version = 1; version <= 100; version++) put('shop.ship_order(bigint)');
fanout.complete();

for await (const { sequence, msg } of receiver) {
  await work(5);
  console.log(`worker did #${sequence} ${msg.name}`);
}
console.log(`closed: ${String(receiver.closed)}`);

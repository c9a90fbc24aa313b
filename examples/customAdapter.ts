/**
 * An adapter of one's own, for raw TCP: a delivery is done when the socket has room again, a session is over when
 * the socket is. Run: npx tsx examples/customAdapter.ts
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { decodeDefinitionSync, DefinitionSyncFanout, type DefinitionFrame } from 'ddl-fanout';
import { splitFrames } from 'ddl-fanout/operators';
import { from, fromEvent, ignoreElements, take, takeUntil } from 'rxjs';

// The adapter ------------------------------------------------------------------------------
const fanout = new DefinitionSyncFanout();
let clients = 0;

function serveTcp(socket: Socket): void {
  socket.on('error', () => undefined); // 'close' follows; without a listener Node ends the process
  const drained$ = fromEvent(socket, 'drain').pipe(take(1), ignoreElements());
  const deliver = ({ bytes }: DefinitionFrame) => (socket.write(bytes) ? undefined : drained$);
  fanout
    .register(`tcp-${String(++clients)}`, deliver)
    .pipe(takeUntil(fromEvent(socket, 'close')))
    .subscribe({
      complete: () => socket.end(),
      error: () => socket.destroy(),
    });
}

// Its use ----------------------------------------------------------------------------------
const server = createServer(serveTcp).listen(0, '127.0.0.1');
await once(server, 'listening');
const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
await once(server, 'connection');

from(client)
  .pipe(splitFrames())
  .subscribe({
    next: (frame) => {
      const { action, name } = decodeDefinitionSync(frame);
      console.log(`over TCP: ${action} ${name}`);
    },
    complete: () => server.close(),
  });

for (const name of ['shop.open_cart(bigint)', 'shop.close_cart(bigint)', 'shop.count_carts()']) {
  fanout.broadcast({ definitionType: 'function', name, action: 'put', payload: new TextEncoder().encode('{}') });
}
fanout.complete();

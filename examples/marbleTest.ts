/**
 * A test of one's own, in virtual time: what a session does with a device that takes 4 frames of time over each definition.
 * Run: npx tsx examples/marbleTest.ts
 */
import assert from 'node:assert/strict';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { definition, marbles, slowDelivery } from 'ddl-fanout/testing';
import { map, startWith } from 'rxjs';

marbles(({ hot, expectObservable, flush }) => {
  const ddl$ = hot('  -abc-----d----|').pipe(map((name) => definition(name)));
  const given = '     -a---b---d----|'; // c finds b waiting
  const lines: string[] = [];

  const ignore = () => undefined;
  const logger = { debug: ignore, info: ignore, warn: (line: string) => lines.push(line), error: ignore };
  const fanout = new DefinitionSyncFanout({ capacity: 1, logger });
  const phone = slowDelivery(4);
  const phone$ = fanout.register('phone', (frame) => phone(frame).pipe(startWith(frame.msg.name)));

  expectObservable(phone$).toBe(given);
  ddl$.subscribe(fanout);
  flush();
  assert.equal(fanout.framesDropped, 1);
  assert.deepEqual(lines, ['sessions overflow', 'no session overflows any more']);
});
console.log('ok');

/**
 * A test of one's own, in virtual time: what a session does with a device that takes 3 frames of time over each definition.
 * Run: npx tsx examples/marbleTest.ts
 */
import assert from 'node:assert/strict';
import { DefinitionSyncFanout, type DefinitionSyncMsg } from 'ddl-fanout';
import { map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';

const put = (name: string): DefinitionSyncMsg => ({
  definitionType: 'function',
  name,
  action: 'put',
  payload: new Uint8Array(),
});

const scheduler = new TestScheduler((actual, expected) => {
  assert.deepEqual(actual, expected);
});

scheduler.run(({ hot, cold, expectObservable, flush }) => {
  const ddl$ = hot('  -abc-----d----|');
  const taken = '      ---x|         '; // emits when the device has taken the frame
  const expected = '  ----a---b---d-|';
  const lines: string[] = [];

  const quiet = {
    debug: () => undefined,
    info: () => undefined,
    warn: (line: string) => lines.push(line),
    error: () => undefined,
  };
  const fanout = new DefinitionSyncFanout({ capacity: 1, logger: quiet, scheduler });
  const device$ = fanout.register('phone', ({ msg }) => cold(taken).pipe(map(() => msg.name)));

  expectObservable(device$).toBe(expected);
  ddl$.pipe(map(put)).subscribe(fanout);
  flush();
  assert.equal(fanout.framesDropped, 1, 'c finds b waiting');
  assert.deepEqual(lines, ['sessions overflow', 'no session overflows any more']);
});
console.log('ok');

import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, type DefinitionSyncMsg, encodeOnce, FanoutError, WireError } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import { EMPTY, from, map, NEVER, of, Subject, take, throwError } from 'rxjs';
import { rememberEncoding } from '../../lib/wire/encoded.js';
import { unencodable, unhandledIn } from '../helpers/fanout.js';

const sequence = map((frame: DefinitionFrame) => String(frame.sequence));
const quiet = { onFailure: () => undefined };

/** All frames that come of the messages. */
function framesOf(msgs: readonly DefinitionSyncMsg[], options?: Parameters<typeof encodeOnce>[0]): DefinitionFrame[] {
  const frames: DefinitionFrame[] = [];
  of(...msgs)
    .pipe(encodeOnce(options))
    .subscribe((frame) => frames.push(frame));
  return frames;
}

describe('encodeOnce', () => {
  it('numbers frames, and skips what cannot be encoded without a number', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c-|', { a: definition('a'), b: unencodable, c: definition('c') });
      const subs = '        ^------!';
      const expected = '    -1---2-|';
      expectObservable(source.pipe(encodeOnce(quiet), sequence)).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes never, empty and an error of the source through', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(NEVER.pipe(encodeOnce())).toBe('-');
      expectObservable(EMPTY.pipe(encodeOnce())).toBe('|');
      expectObservable(throwError(() => new Error('lost')).pipe(encodeOnce())).toBe('#', undefined, new Error('lost'));
      expectObservable(hot('-a-#', { a: definition('a') }).pipe(encodeOnce(), sequence)).toBe('-1-#');
    });
  });

  it('unsubscribes from the source when its consumer unsubscribes', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-a-a-|', { a: definition('a') });
      const subs = '        ^---!   ';
      const expected = '    -1-2-   ';
      expectObservable(source.pipe(encodeOnce(), sequence), subs).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('stops a synchronous source when its consumer has enough', () => {
    const asked: number[] = [];
    function* endless(): Generator<DefinitionSyncMsg> {
      for (let i = 1; ; i++) {
        asked.push(i);
        yield definition('a');
      }
    }
    const sequences: number[] = [];
    from(endless())
      .pipe(encodeOnce(), take(2))
      .subscribe((frame) => sequences.push(frame.sequence));
    expect(sequences).toEqual([1, 2]);
    expect(asked).toEqual([1, 2]);
  });

  it('gives the message itself and its bytes, in a buffer of their own size', () => {
    const msg = definition('a', { scope: { tenantId: 1n, databaseId: 2n }, position: 9n });
    const [frame] = framesOf([msg]);
    expect(frame?.msg).toBe(msg);
    expect(frame?.bytes).toEqual(encodeDefinitionSync(msg));
    expect(frame?.bytes.byteLength).toBe(frame?.bytes.buffer.byteLength);
  });

  it('counts for every subscriber on its own', () => {
    const source = new Subject<DefinitionSyncMsg>();
    const frames$ = source.pipe(encodeOnce());
    const first: number[] = [];
    const second: number[] = [];
    frames$.subscribe((frame) => first.push(frame.sequence));
    source.next(definition('a'));
    frames$.subscribe((frame) => second.push(frame.sequence));
    source.next(definition('b'));
    expect([first, second]).toEqual([[1, 2], [1]]);
  });

  it('continues behind `after`', () => {
    expect(framesOf([definition('a'), definition('b')], { after: 41 }).map((frame) => frame.sequence)).toEqual([
      42, 43,
    ]);
  });

  it('keeps the bytes of a message that came encoded', () => {
    const msg = definition('a');
    const bytes = encodeDefinitionSync(msg);
    rememberEncoding(msg, bytes);
    expect(framesOf([msg])[0]?.bytes).toBe(bytes);
  });

  it('tells `onFailure` the error and the message, once each', () => {
    const told: [string, DefinitionSyncMsg][] = [];
    framesOf([unencodable, definition('a'), unencodable], { onFailure: (error, msg) => told.push([error.code, msg]) });
    expect(told).toEqual([
      ['UNENCODABLE', unencodable],
      ['UNENCODABLE', unencodable],
    ]);
  });

  it.each([
    ['no object at all', undefined],
    ['a getter that throws', { ...definition('a'), get name() { throw new Error('gone'); } }], // prettier-ignore
    ['an id above u64', definition('a', { scope: { tenantId: 1n << 64n, databaseId: 1n } })],
    ['a payload that is no bytes', { ...definition('a'), payload: 'text' }],
  ])('skips %s', (_, msg) => {
    const errors: WireError[] = [];
    const frames = framesOf([msg as unknown as DefinitionSyncMsg, definition('b')], {
      onFailure: (error) => errors.push(error),
    });
    expect(frames.map((frame) => frame.sequence)).toEqual([1]);
    expect(errors).toEqual([expect.any(WireError)]);
    expect(errors[0]?.code).toBe('UNENCODABLE');
  });

  it('reports the failure itself when there is no `onFailure`', () => {
    const unhandled = unhandledIn(() => {
      expect(framesOf([unencodable, definition('a')])).toHaveLength(1);
    });
    expect(unhandled).toEqual([expect.objectContaining({ code: 'UNENCODABLE' })]);
  });

  it('reports what `onFailure` throws, and goes on', () => {
    const unhandled = unhandledIn(() => {
      const onFailure = () => {
        throw new Error('broken callback');
      };
      expect(framesOf([unencodable, definition('a')], { onFailure })).toHaveLength(1);
    });
    expect(unhandled).toEqual([new Error('broken callback')]);
  });

  it('lets `onFailure` send the next message', () => {
    const source = new Subject<DefinitionSyncMsg>();
    const seen: string[] = [];
    const onFailure = () => source.next(definition('instead'));
    source.pipe(encodeOnce({ onFailure })).subscribe(({ sequence, msg }) => seen.push(`${sequence} ${msg.name}`));
    source.next(unencodable);
    source.next(definition('next'));
    expect(seen).toEqual(['1 instead', '2 next']);
  });

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53, '1', null])('refuses `after: %p` at call time', (after) => {
    expect(() => encodeOnce({ after: after as number })).toThrow(FanoutError);
    expect(() => encodeOnce({ after: after as number })).toThrow(/^after must be a whole number of 0 or more, got /);
  });

  it('refuses an `onFailure` that is no function at call time, and takes undefined', () => {
    expect(() => encodeOnce({ onFailure: 'log' as never })).toThrow('onFailure must be a function, got "log"');
    expect(() => encodeOnce({ onFailure: undefined, after: undefined })).not.toThrow();
  });
});

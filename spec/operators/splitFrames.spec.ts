import { describe, expect, it } from '@jest/globals';
import { FanoutError, WireError } from 'ddl-fanout';
import { encodeFrame, encodeMessage, type SyncFrame, SyncMessageType } from 'ddl-fanout/wire';
import fc from 'fast-check';
import { concat, EMPTY, from, map, NEVER, Observable, of, Subject, take, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { buffersMadeBy } from '../helpers/buffers.js';
import { splitFrames } from '../../lib/operators/splitFrames.js';

const bodies = [[], [1], [2, 3, 4], Array.from({ length: 300 }, (_, i) => i & 0xff), []];
const frames: readonly SyncFrame[] = bodies.map((body) => ({ type: 0x70, body: Uint8Array.from(body) }));
const stream = Uint8Array.from(bodies.flatMap((body) => [...encodeFrame(0x70, Uint8Array.from(body))]));

type Outcome = readonly (SyncFrame | string)[];

/** All that comes of the chunks: frames, then `|` or the code of the error. */
function outcome(source: Observable<Uint8Array>, limits?: Parameters<typeof splitFrames>[0]): Outcome {
  const seen: (SyncFrame | string)[] = [];
  source.pipe(splitFrames(limits)).subscribe({
    next: (frame) => seen.push(frame),
    error: (error: unknown) => seen.push(error instanceof WireError ? error.code : String(error)),
    complete: () => seen.push('|'),
  });
  return seen;
}

function marbles(run: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => {
    expect(actual).toStrictEqual(expected);
  }).run(run);
}

/** One letter a frame, so that a marble diagram can tell them. */
const letter = (text: string) => encodeFrame(0x70, Uint8Array.of(text.charCodeAt(0)));
const text = map((frame: SyncFrame) => String.fromCharCode(...frame.body));

describe('splitFrames', () => {
  it('cuts a byte stream into frames, wherever its chunks are cut', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const w = letter('w');
      const source = hot('  -a---b---c---d--|', {
        a: letter('x'),
        b: Uint8Array.from([...letter('y'), ...letter('z')]),
        c: w.subarray(0, 5),
        d: w.subarray(5),
      });
      const subs = '        ^---------------!';
      const expected = '    -x---(yz)----w--|';
      expectObservable(source.pipe(splitFrames(), text)).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('errors as soon as a header is whole and bad, behind the frames before it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const bad = Uint8Array.of(0x03, 0, 0, 0, 0);
      const source = hot('  -a---b---c---d--|', {
        a: letter('x'),
        b: bad.subarray(0, 4),
        c: bad.subarray(4),
        d: letter('y'),
      });
      const subs = '        ^--------!       ';
      const expected = '    -x-------#       ';
      const error = new WireError('UNKNOWN_TYPE', 'no message has the type 0x03');
      expectObservable(source.pipe(splitFrames(), text)).toBe(expected, undefined, error);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes never, empty and an error of the source through', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(NEVER.pipe(splitFrames())).toBe('-');
      expectObservable(EMPTY.pipe(splitFrames())).toBe('|');
      const source = hot<Uint8Array>('-a-#', { a: letter('a').subarray(0, 3) });
      expectObservable(source.pipe(splitFrames())).toBe('---#');
    });
  });

  it('unsubscribes from the source when its consumer unsubscribes', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -a-b-c-', { a: letter('a'), b: letter('b'), c: letter('c') });
      expectObservable(source.pipe(splitFrames(), text), '^---!').toBe('-a-b---');
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('gives the same frames for every two places of cutting', () => {
    const short = stream.subarray(0, 40);
    const whole = outcome(of(short));
    for (let first = 0; first <= short.length; first++) {
      for (let second = first; second <= short.length; second++) {
        const chunks = [short.subarray(0, first), short.subarray(first, second), short.subarray(second)];
        expect(outcome(from(chunks))).toStrictEqual(whole);
      }
    }
  });

  it('gives the same frames in one chunk, one byte at a time, and however cut', () => {
    expect(outcome(of(stream))).toStrictEqual([...frames, '|']);
    expect(outcome(from(Array.from(stream, (byte) => Uint8Array.of(byte))))).toStrictEqual([...frames, '|']);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 })), (sizes) => {
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) chunks.push(stream.subarray(at, (at += size)));
        expect(outcome(from([...chunks, stream.subarray(at)]))).toStrictEqual([...frames, '|']);
      }),
    );
  });

  it('is TRUNCATED when the source completes at any byte inside a frame', () => {
    const frame = encodeMessage('PingPong', { timestampMs: 5n, isPong: false });
    for (let cut = 1; cut < frame.length; cut++) {
      const chunks = Array.from(frame.subarray(0, cut), (byte) => Uint8Array.of(byte));
      expect(outcome(from(chunks))).toStrictEqual(['TRUNCATED']);
      expect(outcome(of(frame, frame.subarray(0, cut)))).toHaveLength(2);
    }
  });

  it('is TOO_LARGE at the header, whole or in bytes, before the body comes', () => {
    const header = Uint8Array.of(0x70, 6, 0, 0, 0);
    expect(outcome(of(header), { maxFrameBytes: 10 })).toStrictEqual(['TOO_LARGE']);
    const bytes = Array.from(header, (byte) => Uint8Array.of(byte));
    expect(outcome(concat(from(bytes), NEVER), { maxFrameBytes: 10 })).toStrictEqual(['TOO_LARGE']);
    expect(outcome(concat(of(header), NEVER), { maxFrameBytes: 11 })).toStrictEqual([]);
  });

  it('allocates nothing for a claimed length', () => {
    const source = of(Uint8Array.of(0x70, 0xff, 0xff, 0xff, 0xff), Uint8Array.of(1));
    const made = buffersMadeBy(() => {
      expect(outcome(source)).toStrictEqual(['TRUNCATED']);
    });
    expect(made).toEqual([5, 10]);
  });

  it('makes a buffer that grows with what has come, at most twice that, and never beyond the frame', () => {
    const frame = encodeFrame(0x70, new Uint8Array(995));
    const chunks = Array.from({ length: 10 }, (_, i) => frame.subarray(100 * i, 100 * (i + 1)));
    let seen: Outcome = [];
    const made = buffersMadeBy(() => (seen = outcome(from(chunks))));
    expect(made).toEqual([5, 100, 200, 400, 800, 1_000]);
    expect(seen).toStrictEqual([{ type: 0x70, body: new Uint8Array(995) }, '|']);
  });

  it.each([0, -1, 1.5, NaN])('refuses the limit %p at call time', (maxFrameBytes) => {
    expect(() => splitFrames({ maxFrameBytes })).toThrow(FanoutError);
  });

  it.each(['x', undefined, null, new Uint16Array(3)])('refuses the chunk %p, which is no bytes', (chunk) => {
    expect(outcome(from([letter('a'), chunk as never]))).toStrictEqual([
      { type: 0x70, body: Uint8Array.of(97) },
      'BAD_BODY',
    ]);
  });

  it('gives a plain view on the chunk for a frame inside it, and a buffer of its own for one across chunks', () => {
    const chunk = Buffer.from([...letter('a'), ...letter('b').subarray(0, 3)]);
    const [whole, across] = outcome(of(chunk, letter('b').subarray(3))) as readonly SyncFrame[];
    expect(whole?.body.buffer).toBe(chunk.buffer);
    expect(whole?.body.constructor).toBe(Uint8Array);
    expect(across?.body.buffer.byteLength).toBe(6);
  });

  it('does not keep what a source writes into its chunk later', () => {
    const scratch = new Uint8Array(1);
    const source = from(letter('a')).pipe(map((byte) => (scratch.fill(byte), scratch)));
    expect(outcome(source)).toStrictEqual([{ type: 0x70, body: Uint8Array.of(97) }, '|']);
  });

  it('stops in the middle of a chunk, and a synchronous source, when the consumer has enough', () => {
    let chunks = 0;
    const source = new Observable<Uint8Array>((subscriber) => {
      for (; !subscriber.closed && chunks < 10; chunks++) subscriber.next(stream);
      subscriber.complete();
    });
    const seen: SyncFrame[] = [];
    source.pipe(splitFrames(), take(2)).subscribe((frame) => seen.push(frame));
    expect(seen).toStrictEqual(frames.slice(0, 2));
    expect(chunks).toBe(1);
  });

  it('keeps the order when a consumer makes the source emit, and then complete', () => {
    const source = new Subject<Uint8Array>();
    const seen: string[] = [];
    source.pipe(splitFrames(), text).subscribe({
      next: (frame) => {
        seen.push(frame);
        if (frame !== 'a') return;
        source.next(letter('c').subarray(2));
        source.next(letter('d'));
        source.complete();
      },
      complete: () => seen.push('|'),
    });
    source.next(Uint8Array.from([...letter('a'), ...letter('b'), ...letter('c').subarray(0, 2)]));
    expect(seen).toStrictEqual(['a', 'b', 'c', 'd', '|']);
  });

  it('lets an error of the source through at once, also in the middle of a chunk', () => {
    const source = new Subject<Uint8Array>();
    const seen: string[] = [];
    source.pipe(splitFrames(), text).subscribe({
      next: (frame) => {
        seen.push(frame);
        source.error(new Error('gone'));
      },
      error: (error: unknown) => seen.push(String(error)),
    });
    source.next(Uint8Array.from([...letter('a'), ...letter('b')]));
    expect(seen).toStrictEqual(['a', 'Error: gone']);
  });

  it('keeps its state by subscription', () => {
    const source = new Subject<Uint8Array>();
    const split = source.pipe(splitFrames(), text);
    const early: string[] = [];
    const late: string[] = [];
    split.subscribe((frame) => early.push(frame));
    source.next(letter('a').subarray(0, 3));
    split.subscribe((frame) => late.push(frame));
    source.next(letter('a').subarray(3));
    expect(early).toStrictEqual(['a']);
    expect(late).toStrictEqual([]);
  });

  it('passes an error on subscription through', () => {
    expect(outcome(throwError(() => new Error('no')))).toStrictEqual(['Error: no']);
  });

  it('takes every known type', () => {
    const types = Object.values(SyncMessageType);
    const source = from(types.map((type) => encodeFrame(type, new Uint8Array(0))));
    expect(outcome(source)).toHaveLength(types.length + 1);
  });
});

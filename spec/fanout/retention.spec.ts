import { describe, expect, it } from '@jest/globals';
import type { Follower } from '../../lib/fanout/retention.js';
import { ScopeLog } from '../../lib/fanout/scopeLog.js';
import { short } from '../helpers/byHand.js';
import { frames } from '../helpers/frames.js';

/** A session that is behind; it keeps what it was spared. */
class Behind implements Follower {
  readonly sparedOnes: number[] = [];
  promised = 0;

  constructor(
    public cursor: number,
    public knows = cursor,
  ) {}

  spared(sequences: readonly number[]): void {
    this.sparedOnes.push(...sequences);
  }

  moveTo(sequence: number): void {
    this.cursor = sequence;
    this.knows = sequence;
  }
}

class Log {
  readonly log: ScopeLog;
  #next = 1;

  constructor(
    maxTombstones: number,
    readonly followers: (Follower | undefined)[] = [],
  ) {
    this.log = new ScopeLog(maxTombstones);
  }

  /** Appends, and sweeps behind each. */
  commit(...changes: string[]): this {
    for (const frame of frames(changes, this.#next)) {
      this.log.append(frame);
      this.log.sweep(() => this.followers.filter((each) => each !== undefined));
      this.#next++;
    }
    return this;
  }

  get tombstones(): string[] {
    return this.log.entries.flatMap((entry) => (entry?.tombstone === true ? [short(entry.frame)] : []));
  }
}

describe('Retention', () => {
  it('holds a tombstone as long as a follower may have the definition and has not got the delete', () => {
    const behind = new Behind(1);
    const log = new Log(0, [behind]).commit('+a', '+b', '-a');
    expect(log.tombstones).toEqual(['-a@3']);
    behind.moveTo(2);
    expect(log.commit('+c').tombstones).toEqual(['-a@3']);
    behind.moveTo(3);
    expect(log.commit('+c').tombstones).toEqual([]);
    expect(behind.sparedOnes).toEqual([3]);
  });

  it('spares followers what was born and died ahead of them', () => {
    const behind = new Behind(1);
    const log = new Log(0, [behind]).commit('+x', '+a', '-a');
    expect(log.tombstones).toEqual([]);
    expect(behind.sparedOnes).toEqual([3]);
  });

  it('holds a delete of what nobody put: sessions may have heard of it elsewhere', () => {
    const behind = new Behind(0);
    const log = new Log(0, [behind]).commit('-a');
    expect(log.tombstones).toEqual(['-a@1']);
    behind.moveTo(Infinity);
    expect(log.commit('+z').tombstones).toEqual([]);
  });

  it('looks for another who needs it when the one it was held for moves past it', () => {
    const [slow, slower] = [new Behind(1), new Behind(1)];
    const log = new Log(0, [slower, slow, undefined]).commit('+a', '+b', '-a');
    for (const each of [slow, slower]) {
      expect(log.tombstones).toEqual(['-a@3']);
      each.moveTo(3);
      log.commit('+c');
    }
    expect(log.tombstones).toEqual([]);
  });

  it('asks again when a follower says that it needs less', () => {
    const queueing = new Behind(1, Infinity);
    const log = new Log(0, [queueing]).commit('+x', '+a', '-a');
    expect(log.tombstones).toEqual(['-a@3']);
    // It let its queue go, and never had the definition.
    queueing.moveTo(1);
    log.log.release(queueing);
    expect(log.commit('+y').tombstones).toEqual([]);
  });

  it('keeps up to the limit what nobody needs, the oldest out first, also when the older was held longer', () => {
    const behind = new Behind(2);
    const log = new Log(2, [behind]).commit('+a', '+b', '+c', '-a', '-b', '+d', '-d', '+e', '-e');
    expect(log.tombstones).toEqual(['-a@4', '-b@5', '-d@7', '-e@9']);
    behind.moveTo(4);
    expect(log.commit('+x').tombstones).toEqual(['-b@5', '-d@7', '-e@9']);
    behind.moveTo(9);
    expect(log.commit('+x').tombstones).toEqual(['-d@7', '-e@9']);
  });

  it('counts what was promised to a follower beyond the limit, and lets it go behind that one', () => {
    const log = new Log(1).commit('+a', '-a');
    const replaying = new Behind(0);
    replaying.promised = 2;
    log.followers.push(replaying);
    expect(log.commit('+b', '-b', '+c', '-c').tombstones).toEqual(['-a@2', '-c@6']);
    expect(replaying.sparedOnes).toEqual([4, 6]);
    replaying.moveTo(2);
    expect(log.commit('+d').tombstones).toEqual(['-c@6']);
    expect(replaying.sparedOnes).toEqual([4, 6]);
  });

  it('holds nothing again that was spare, for a follower that has read past its birth since', () => {
    const behind = new Behind(0);
    const log = new Log(1, [behind]).commit('+a', '+b', '-a', '+c');
    behind.moveTo(2);
    expect(log.commit('-c').tombstones).toEqual(['-c@5']);
    expect(behind.sparedOnes).toEqual([3, 5]);
  });

  it('holds for who was promised it the delete of a definition that came back meanwhile', () => {
    const log = new Log(1).commit('+a', '-a');
    const replaying = new Behind(0);
    replaying.promised = 2;
    log.followers.push(replaying);
    expect(log.commit('+a', '-a', '+b', '-b', '+c', '-c').tombstones).toEqual(['-a@4', '-c@8']);
  });

  it('lets ten thousand go at once that were held while younger ones were spare', () => {
    const count = 10_000;
    const names = Array.from({ length: count }, (_, i) => `d${i}`);
    const behind = new Behind(count);
    const log = new Log(5, [behind]).commit(...names.map((name) => `+${name}`));
    log.commit('+x', ...names.map((name) => `-${name}`), '+y', '-y');
    expect(log.tombstones).toHaveLength(count + 1);
    behind.moveTo(Infinity);
    expect(log.commit('+z').tombstones.at(-1)).toBe(`-y@${2 * count + 3}`);
    expect(log.tombstones).toHaveLength(5);
  });
});

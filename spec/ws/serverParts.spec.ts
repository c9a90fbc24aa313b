import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { judge } from '../../lib/ws/admission.js';
import { EarlyMessages } from '../../lib/ws/earlyMessages.js';
import { Expiry } from '../../lib/ws/expiry.js';
import { IdleTimer } from '../../lib/ws/idleTimer.js';
import { KnownEpochs } from '../../lib/ws/knownEpochs.js';
import { silent } from '../helpers/fanout.js';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { ServerSettings } from '../../lib/ws/serverOptions.js';

describe('KnownEpochs', () => {
  const me = { subject: 'me' };

  it('takes a device back with a higher epoch only', () => {
    const epochs = new KnownEpochs();
    expect([1n, 1n, 0n, 2n, 2n].map((epoch) => epochs.admit(me, 'a', epoch))).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it('knows nobody without an id', () => {
    const epochs = new KnownEpochs();
    expect([epochs.admit(me, '', 1n), epochs.admit(me, '', 1n)]).toEqual([true, true]);
  });

  it('keeps subjects and scopes apart', () => {
    const epochs = new KnownEpochs();
    const scope = { tenantId: 1n, databaseId: 2n };
    const others = [me, { subject: 'you' }, { ...me, scope }, { ...me, scope: { ...scope, databaseId: 3n } }];
    expect(others.map((identity) => epochs.admit(identity, 'a', 1n))).toEqual([true, true, true, true]);
  });

  it('remembers so many devices, and forgets the one not seen for longest', () => {
    const epochs = new KnownEpochs(2);
    for (const id of ['a', 'b']) epochs.admit(me, id, 1n);
    epochs.admit(me, 'a', 2n);
    epochs.admit(me, 'c', 1n);
    expect(epochs.admit(me, 'a', 2n)).toBe(false);
    expect(epochs.admit(me, 'b', 1n)).toBe(true);
  });
});

describe('KnownEpochs of a server', () => {
  it('are of the last 65,536 devices', () => {
    const epochs = new KnownEpochs();
    for (let i = 0; i < 65_537; i++) epochs.admit({ subject: 'me' }, String(i), 1n);
    expect([1, 65_536, 0].map((id) => epochs.admit({ subject: 'me' }, String(id), 1n))).toEqual([false, false, true]);
  });
});

describe('EarlyMessages', () => {
  it('keeps so many bytes, and so many messages, empty ones too', () => {
    const early = new EarlyMessages(10);
    expect([early.push(new Uint8Array(10)), early.push(new Uint8Array(1))]).toEqual([true, false]);
    const empty = new EarlyMessages(10);
    const taken = Array.from({ length: 20_000 }, () => empty.push(new Uint8Array()));
    expect(taken.filter(Boolean)).toHaveLength(16_384);
  });

  it('keeps nothing but the messages alive, and each once', () => {
    const early = new EarlyMessages(10);
    early.push(Buffer.alloc(65_536).subarray(3, 5));
    const [message] = early.takeAll();
    expect([message?.length, message?.buffer.byteLength]).toEqual([2, 2]);
    expect(early.takeAll()).toEqual([]);
  });
});

describe('judge', () => {
  const request = new IncomingMessage(new Socket());

  it('refuses a token, whatever was thrown', async () => {
    const lines: unknown[] = [];
    const logger = { ...silent, info: (_message: string, facts?: object) => lines.push(facts) };
    const unreadable = Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('not to be read');
      },
    });
    const opaque = new Proxy(new Error(), {
      getPrototypeOf: () => {
        throw new Error('not for you');
      },
    });
    for (const thrown of [new Error('no'), 'no', undefined, unreadable, opaque]) {
      const authenticate = (): never => {
        throw thrown as Error;
      };
      const settings = { authenticate, logger } as unknown as ServerSettings;
      expect(await judge(settings, '', request)).toEqual({ type: 'refused' });
    }
    const unread = 'an error that cannot be read';
    expect(lines).toEqual(['no', '"no"', 'undefined', unread, unread].map((reason) => ({ reason })));
  });

  it.each([new Date(), '9999999999', [9_999_999_999], NaN, 1])('refuses an identity that expires at %p', async (at) => {
    const authenticate = () => ({ subject: 'me', expiresAt: at });
    const settings = { authenticate, logger: silent } as unknown as ServerSettings;
    expect(await judge(settings, '', request)).toEqual({ type: 'refused' });
  });
});

describe('in virtual time', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('Expiry calls once, at the time that was set last', () => {
    const called: number[] = [];
    const expiry = new Expiry(() => called.push(Date.now()));
    expiry.set(1_010);
    expiry.set(1_020.5);
    jest.advanceTimersByTime(100_000);
    expect(called).toEqual([1_020_500]);
  });

  it('Expiry waits for years, where a timer would fire at once', () => {
    const called: number[] = [];
    const expiry = new Expiry(() => called.push(Date.now()));
    expiry.set(1_000 + 90 * 86_400);
    jest.advanceTimersByTime(89 * 86_400_000);
    expect(called).toEqual([]);
    jest.advanceTimersByTime(86_400_000);
    expect(called).toHaveLength(1);
  });

  it.each([undefined, Infinity])('Expiry never calls for %p', (never) => {
    const expiry = new Expiry(() => expect(true).toBe(false));
    expiry.set(1_001);
    expiry.set(never);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('IdleTimer asks after half of the time, and gives up after all of it', () => {
    const story: string[] = [];
    const timer = new IdleTimer(
      () => story.push('ask'),
      () => story.push('give up'),
    );
    timer.start(100);
    jest.advanceTimersByTime(49);
    timer.heard();
    jest.advanceTimersByTime(50);
    expect(story).toEqual(['ask']);
    timer.heard();
    jest.advanceTimersByTime(50);
    expect(story).toEqual(['ask', 'ask']);
    jest.advanceTimersByTime(50);
    expect(story).toEqual(['ask', 'ask', 'give up']);
    timer.stop();
    timer.heard();
    expect(jest.getTimerCount()).toBe(0);
  });
});

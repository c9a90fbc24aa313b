import { describe, expect, it } from '@jest/globals';
import { definition } from 'ddl-fanout/testing';
import { Inbox, type Job } from '../../lib/lite/inbox.js';

const message = (name: string, text = ''): Job => ({
  type: 'message',
  msg: definition(name, { payload: new TextEncoder().encode(text) }),
  inSnapshot: false,
});
const end = (): Job => ({ type: 'snapshot', alive: new Set(), done: () => undefined });

function drain(inbox: Inbox): string[] {
  const seen: string[] = [];
  for (let job = inbox.shift(); job !== undefined; job = inbox.shift()) {
    seen.push(job.type === 'snapshot' ? '|' : `${job.msg.name}${new TextDecoder().decode(job.msg.payload)}`);
  }
  return seen;
}

describe('Inbox', () => {
  it('gives jobs back in their order, and all of them while there are few', () => {
    const inbox = new Inbox();
    for (let i = 0; i < 600; i++) inbox.push(message('f', String(i)));
    expect(inbox.length).toBe(600);
    expect(drain(inbox)).toEqual(Array.from({ length: 600 }, (_, i) => `f${i}`));
    expect(inbox.length).toBe(0);
  });

  it('keeps the order when it is filled and emptied by turns', () => {
    const inbox = new Inbox();
    const seen: (Job | undefined)[] = [];
    const jobs = Array.from({ length: 2_000 }, (_, i) => message('f', String(i)));
    for (const [i, job] of jobs.entries()) {
      inbox.push(job);
      if (i % 2 === 1) seen.push(inbox.shift());
    }
    expect(seen).toEqual(jobs.slice(0, 1_000));
  });

  it('holds only the newest change of each definition when nobody takes any, in their order', () => {
    const inbox = new Inbox();
    for (let i = 0; i < 100_000; i++) inbox.push(message(`f${i % 10}`, `:${i}`));
    expect(inbox.length).toBeLessThan(1_024);
    expect(drain(inbox).slice(-10)).toEqual(Array.from({ length: 10 }, (_, i) => `f${i}:${99_990 + i}`));
  });

  it('keeps the end of the last snapshot between what came before and what came after', () => {
    const inbox = new Inbox();
    inbox.push(message('before'));
    inbox.push(end());
    inbox.push(message('between'));
    inbox.push(end());
    for (let i = 0; i < 2_000; i++) inbox.push(message('after', String(i)));
    const seen = drain(inbox);
    expect(seen.slice(0, 3)).toEqual(['before', 'between', '|']);
    expect(seen.at(-1)).toBe('after1999');
    expect(seen.length).toBeLessThan(1_024);
  });

  // The bound that a storm of many definitions had raised stayed where it was for good.
  it.each<[string, (inbox: Inbox) => void]>([
    ['emptied', (inbox) => void drain(inbox)],
    ['cleared', (inbox) => inbox.clear()],
    [
      'almost emptied',
      (inbox) => {
        while (inbox.length > 10) inbox.shift();
      },
    ],
  ])('holds as little as before once what a storm of many definitions left is %s', (_how, empty) => {
    const inbox = new Inbox();
    for (let i = 0; i < 50_000; i++) inbox.push(message(`f${i}`));
    expect(inbox.length).toBe(50_000);
    empty(inbox);
    for (let i = 0; i < 5_000; i++) {
      inbox.push(message('f', String(i)));
      expect(inbox.length).toBeLessThan(1_100);
    }
  });

  it('keeps what came before the end of a snapshot and what came after, each at its newest', () => {
    const inbox = new Inbox();
    inbox.push(message('f', '1'));
    inbox.push(message('f', '2'));
    inbox.push(end());
    for (let i = 3; i < 1_024; i++) inbox.push(message('f', String(i)));
    expect(drain(inbox)).toEqual(['f2', '|', 'f1023']);
  });
});

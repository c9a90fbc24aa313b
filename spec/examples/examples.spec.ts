import { describe, expect, it } from '@jest/globals';
import { runExample } from './runExample.js';

const lines = (text: string): string[] => text.trimEnd().split('\n');

describe('examples', () => {
  it('pipeline: a filtered pipeline ends in the fan-out', async () => {
    const { code, stdout, stderr } = await runExample('pipeline.ts');
    expect(lines(stdout)).toEqual([
      'phone got #1 put shop.price(bigint), 91 bytes',
      'phone got #2 put shop.price(bigint), 91 bytes',
      'phone got #3 delete shop.tax(bigint), 41 bytes',
      'phone is done',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('customAdapter: frames cross a TCP connection and the session ends with it', async () => {
    const { code, stdout, stderr } = await runExample('customAdapter.ts');
    expect(lines(stdout)).toEqual([
      'over TCP: put shop.open_cart(bigint)',
      'over TCP: put shop.close_cart(bigint)',
      'over TCP: put shop.count_carts()',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('serverSentEvents: a client resumes where it left off, or is told to begin anew', async () => {
    const { code, stdout, stderr } = await runExample('serverSentEvents.ts');
    expect(lines(stdout)).toEqual([
      'a new client: reset, put tax, put cart, put stock',
      'back again: delete cart, put tax, put price',
      'back too late: reset, put rate',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('asyncIterator: a slow loop gets the catalog and the last version of what changed meanwhile', async () => {
    const { code, stdout } = await runExample('asyncIterator.ts');
    expect(lines(stdout)).toEqual([
      'worker did #1 shop.place_order(bigint)',
      'worker did #2 shop.cancel_order(bigint)',
      'worker did #102 shop.ship_order(bigint)',
      'closed: true',
    ]);
    expect(code).toBe(0);
  });

  it('marbleTest: the session behaves as its marbles say', async () => {
    const { code, stdout, stderr } = await runExample('marbleTest.ts');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
  });
});

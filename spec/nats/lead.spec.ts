import { describe, expect, it } from '@jest/globals';
import { errors } from '@nats-io/transport-node';
import { NEVER, type Observable, Subject, Subscription } from 'rxjs';
import type { Bucket } from '../../lib/nats/bucket.js';
import { leadBy } from '../../lib/nats/lead.js';

/** One stream for both buckets, which acknowledges at once and tells of every write. */
class OpenBuckets {
  readonly writes$ = new Subject<{ subject: string; text: string }>();
  /** Makes a consumer; by default one that never comes. */
  consumer: () => Promise<never> = () => new Promise(() => undefined);
  #last = 0;
  #closed = false;

  bucket(name: string): Bucket {
    return {
      connection: { info: { max_payload: 1_000 }, closed: () => new Promise(() => undefined) },
      name,
      stream: `KV_${name}`,
      prefix: `$KV.${name}.`,
      identity: 'of this spec',
      timeout: 1_000,
      status: { reconnects$: NEVER, denials$: NEVER, gaveUp: false },
      jsm: {
        streams: {
          info: () => Promise.resolve({ config: { description: 'of this spec' }, state: { last_seq: this.#last } }),
          getMessage: () => Promise.resolve(null),
        },
      },
      js: {
        consumers: { get: () => this.consumer() },
        publish: (subject: string, bytes: Uint8Array) => {
          if (this.#closed) return Promise.reject(new errors.ClosedConnectionError());
          const seq = ++this.#last;
          this.writes$.next({ subject, text: new TextDecoder().decode(bytes) });
          return Promise.resolve({ seq, duplicate: false });
        },
      },
    } as unknown as Bucket;
  }

  /** Ends whoever goes on renewing a lease. */
  close(): void {
    this.#closed = true;
  }

  lead(work: () => Observable<never>): Observable<never> {
    return leadBy(this.bucket('d'), () => Promise.resolve(this.bucket('d_leader')), work, 300, 'me');
  }
}

describe('leadBy', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'lets the lease go when it is unsubscribed %i microtasks behind the fence: it was renewed without end',
    async (n) => {
      const buckets = new OpenBuckets();
      const leading = new Subscription();
      const next = new Promise((resolve) => {
        let fenced = false;
        buckets.writes$.subscribe(({ subject, text }) => {
          if (fenced) resolve(text);
          if (!subject.endsWith('.leader')) return;
          fenced = true;
          let behind = Promise.resolve();
          for (let turn = 0; turn < n; turn++) behind = behind.then(() => undefined);
          void behind.then(() => leading.unsubscribe());
        });
      });
      leading.add(buckets.lead(() => NEVER).subscribe());
      const text = await next;
      buckets.close();
      expect(text).toBe(''); // nobody's, and not `me`
    },
  );

  it('does not begin the work of a term that is over before it is told', async () => {
    const buckets = new OpenBuckets();
    buckets.consumer = () => {
      throw new errors.PermissionViolationError('not to read', 'publish', '$JS.API.CONSUMER.CREATE');
    };
    let begun = 0;
    const leading = buckets.lead(() => {
      begun++;
      return NEVER;
    });
    await expect(leading.forEach(() => undefined)).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    expect(begun).toBe(0);
  });
});

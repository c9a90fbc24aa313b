import {
  boundedBuffer,
  type BoundedBufferOptions,
  type DefinitionReceiver,
  DefinitionSyncFanout,
  type DefinitionSyncMsg,
} from 'ddl-fanout';
import { Subject } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';
import { silent } from './fanout.js';

export interface HolderOptions {
  readonly capacity: number;
  readonly overflow?: BoundedBufferOptions<unknown>['overflow'];
}

/** Something that stands between a source and a device which takes one message at a time, and lets others wait. */
export interface Holder {
  push(msg: DefinitionSyncMsg): void;
  /** The device is done with what it was given last. */
  take(): void;
  complete(): void;
  error(error: unknown): void;
  unsubscribe(): void;
  dropped(): number;
}

/** Makes a holder that writes to `log` what its device was given; then `|`, or `#` with the code or text of the error. */
export type MakeHolder = (log: string[], options: HolderOptions) => Holder;

/** A device: `deliver` takes the name of a message, `take` ends that delivery. */
type Device = (log: string[]) => { deliver: (name: string) => ObservableInput<unknown>; take: () => void };

const observed: Device = (log) => {
  let running: Subject<never> | undefined;
  const deliver = (name: string) => {
    log.push(name);
    running = new Subject();
    return running;
  };
  return { deliver, take: () => running?.complete() };
};

const promised: Device = (log) => {
  let done: (() => void) | undefined;
  const deliver = (name: string) => {
    log.push(name);
    return new Promise<void>((resolve) => (done = resolve));
  };
  return { deliver, take: () => done?.() };
};

/** V8 keeps the functions of a stack, and the values they close over, until somebody reads it. */
function failure(error: unknown): string {
  const { code, stack } = error as Error & { code?: string };
  return stack === undefined ? '# without a stack' : `# ${code ?? String(error)}`;
}

function subscribe(log: string[], result: Observable<unknown>) {
  return result.subscribe({
    error: (error: unknown) => log.push(failure(error)),
    complete: () => log.push('|'),
  });
}

const buffer =
  (device: Device): MakeHolder =>
  (log, options) => {
    const source = new Subject<DefinitionSyncMsg>();
    const { deliver, take } = device(log);
    let dropped = 0;
    const onOverflow = () => dropped++;
    const buffered = boundedBuffer((msg: DefinitionSyncMsg) => deliver(msg.name), { ...options, onOverflow });
    const subscription = subscribe(log, source.pipe(buffered));
    return {
      push: (msg) => source.next(msg),
      take,
      complete: () => source.complete(),
      error: (error) => source.error(error),
      unsubscribe: () => subscription.unsubscribe(),
      dropped: () => dropped,
    };
  };

function fanoutHolder(fanout: DefinitionSyncFanout) {
  return {
    push: (msg: DefinitionSyncMsg) => fanout.broadcast(msg),
    complete: () => fanout.complete(),
    error: (error: unknown) => fanout.error(error),
    dropped: () => fanout.framesDropped,
  };
}

const session =
  (device: Device): MakeHolder =>
  (log, options) => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const { deliver, take } = device(log);
    const session$ = fanout.register('lite', (frame) => deliver(frame.msg.name), options);
    const subscription = subscribe(log, session$);
    return { ...fanoutHolder(fanout), take, unsubscribe: () => subscription.unsubscribe() };
  };

/** Asks for the next frame as soon as the device is done with the one before. */
async function pump(receiver: DefinitionReceiver, deliver: (name: string) => PromiseLike<unknown>): Promise<void> {
  for (;;) {
    const name = (await receiver.receive())?.msg.name;
    if (name === undefined) return;
    await deliver(name);
  }
}

const receiver: MakeHolder = (log, options) => {
  const fanout = new DefinitionSyncFanout({ logger: silent });
  const { deliver, take } = promised(log);
  const pulled = fanout.receiver('lite', options);
  let left = false;
  const last = (line: string) => left || log.push(line);
  pump(pulled, async (name) => deliver(name)).then(
    () => last('|'),
    (error: unknown) => last(failure(error)),
  );
  const unsubscribe = () => {
    left = true;
    void pulled.return();
  };
  return { ...fanoutHolder(fanout), take, unsubscribe };
};

export const holders: [string, MakeHolder][] = [
  ['boundedBuffer', buffer(observed)],
  ['boundedBuffer with promises', buffer(promised)],
  ['a registered session', session(observed)],
  ['a registered session with promises', session(promised)],
  ['a receiver', receiver],
];

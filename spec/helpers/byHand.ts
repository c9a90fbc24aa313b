import type { DefinitionFrame, DefinitionReceiver, DefinitionSyncFanout } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import { type Observable, Subject } from 'rxjs';

/** A frame as short text: `+tax@3` was put, `-tax@4` deleted. */
export function short({ msg, sequence }: DefinitionFrame): string {
  return `${msg.action === 'delete' ? '-' : '+'}${msg.name}@${sequence}`;
}

/** Broadcasts a put for every `+name`, a delete for every `-name`. */
export function commit(fanout: DefinitionSyncFanout, ...changes: string[]): void {
  for (const change of changes) {
    const action = change.startsWith('-') ? 'delete' : 'put';
    fanout.broadcast(definition(change.slice(1), { action }));
  }
}

/** A device that takes one frame at a time and is done with it when the spec says so. */
export class ByHand {
  readonly got: string[] = [];
  #inFlight: Subject<never> | undefined = undefined;

  readonly deliver = (frame: DefinitionFrame): Observable<never> => {
    this.got.push(short(frame));
    this.#inFlight = new Subject();
    return this.#inFlight;
  };

  /** Completes `most` deliveries, those that begin meanwhile too; returns what was got from then on. */
  finish(most = Infinity): string[] {
    const { length } = this.got;
    for (let done = 0; done < most && this.#inFlight !== undefined; done++) {
      const inFlight = this.#inFlight;
      this.#inFlight = undefined;
      inFlight.complete();
    }
    return this.got.slice(length);
  }
}

/** Everything that waits for a receiver. */
export function takeAll(receiver: DefinitionReceiver): string[] {
  const got: string[] = [];
  for (let frame = receiver.tryReceive(); frame !== undefined; frame = receiver.tryReceive()) got.push(short(frame));
  return got;
}

/** The definitions that remain when the changes are applied in order: `name@sequence`. */
export function fold(changes: readonly string[]): string[] {
  const held = new Map<string, string>();
  for (const change of changes) {
    const name = change.slice(1).replace(/@\d+$/, '');
    held.delete(name);
    if (change.startsWith('+')) held.set(name, change.slice(1));
  }
  return [...held.values()];
}

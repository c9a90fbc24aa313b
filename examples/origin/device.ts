import { once } from 'node:events';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import { concatMap, delay, filter, firstValueFrom, of } from 'rxjs';
import { WebSocket } from 'ws';
import { isKind, messagesOf, send } from './messages.js';

/** A device: one WebSocket and the catalog of definitions that it has made of what came. */
export interface Device {
  readonly name: string;
  readonly definitions: ReadonlyMap<string, DefinitionSyncMsg>;
  /** Reads on, for good, where it had stopped reading. */
  readOn(): void;
  close(): Promise<void>;
}

interface DeviceOptions {
  readonly url: string;
  readonly name: string;
  /** How long it takes over a definition, in ms; default 0. */
  readonly work?: number | undefined;
  /** After how many definitions it stops reading from its socket: what comes then piles up at the sender. Default: never. */
  readonly stopsAfter?: number | undefined;
  /** Called when a definition has been taken into the catalog. */
  readonly applied: (msg: DefinitionSyncMsg) => void;
}

/** Resolves when the server has accepted the handshake. */
export async function connectDevice({
  url,
  name,
  work = 0,
  stopsAfter = Infinity,
  applied,
}: DeviceOptions): Promise<Device> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const definitions = new Map<string, DefinitionSyncMsg>();
  let left = stopsAfter;
  const messages$ = messagesOf(socket);
  messages$
    .pipe(
      concatMap((received) =>
        work > 0 && received.kind === 'DefinitionSync' ? of(received).pipe(delay(work)) : of(received),
      ),
    )
    .subscribe((received) => {
      if (received.kind === 'DefinitionSync') {
        take(definitions, received.message);
        applied(received.message);
        if (--left === 0) socket.pause();
      } else if (received.kind === 'PingPong' && !received.message.isPong) {
        send(socket, 'PingPong', { ...received.message, isPong: true });
      }
    });

  await once(socket, 'open');
  const answer = firstValueFrom(messages$.pipe(filter(isKind('HandshakeAck'))));
  send(socket, 'Handshake', handshakeOf(name));
  await answer;
  return {
    name,
    definitions,
    readOn() {
      left = Infinity;
      socket.resume();
    },
    async close() {
      socket.terminate();
      await closed;
    },
  };
}

function take(definitions: Map<string, DefinitionSyncMsg>, msg: DefinitionSyncMsg): void {
  const key = `${msg.definitionType}:${msg.name}`;
  if (msg.action === 'delete') definitions.delete(key);
  else definitions.set(key, msg);
}

const handshakeOf = (liteId: string) => ({
  jwtToken: '', // the server of this example lets everyone in
  vectorClock: new Map<string, ReadonlyMap<string, bigint>>(),
  subscribedShapes: [],
  clientVersion: 'example',
  liteId,
  epoch: 1n,
  wireVersion: 1,
});

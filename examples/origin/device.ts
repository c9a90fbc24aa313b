import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import { connectLite, memoryStore, type DefinitionStore } from 'ddl-fanout/lite';
import { decodeMessage } from 'ddl-fanout/wire';
import { filter, firstValueFrom } from 'rxjs';
import { WebSocket } from 'ws';

/** A device in this process, so that what it holds can be compared with what the database holds. */
export interface Device {
  readonly name: string;
  /** What the server calls its session. */
  readonly sessionId: string;
  readonly definitions: ReadonlyMap<string, DefinitionSyncMsg>;
  /** Reads on, for good, where it had stopped reading. */
  readOn(): void;
  close(): void;
}

export interface DeviceOptions {
  readonly url: string;
  readonly token: string;
  readonly name: string;
  /** How long it takes to store a definition, in ms; default: no time. */
  readonly work?: number | undefined;
  /** After how many definitions it stops reading from its socket: what comes then piles up at the sender. Default: never. */
  readonly stopsAfter?: number | undefined;
  /** Opens what its WebSocket runs over; default: TCP. */
  readonly line?: (() => Duplex) | undefined;
  /** Called when a definition has been stored. */
  readonly stored: (msg: DefinitionSyncMsg) => void;
}

/** Resolves when the device is live. */
export async function connectDevice({
  url,
  token,
  name,
  work,
  line,
  stored,
  ...options
}: DeviceOptions): Promise<Device> {
  let { stopsAfter = Infinity } = options;
  let sessionId = '';
  let socket: WebSocket | undefined;
  class DeviceSocket extends WebSocket {
    constructor(address: string) {
      super(address, { perMessageDeflate: false, createConnection: line });
      socket = this; // eslint-disable-line @typescript-eslint/no-this-alias -- the one that is to stop reading
      this.once('message', (data: ArrayBuffer) => {
        const first = decodeMessage(new Uint8Array(data));
        if (first?.kind === 'HandshakeAck') ({ sessionId } = first.message);
      });
    }
  }
  const store = work === undefined ? undefined : slowStore(work);
  const connection = connectLite({ url, token, store, liteId: name, WebSocket: DeviceSocket });
  connection.messages$.subscribe((msg) => {
    stored(msg);
    if (--stopsAfter === 0) socket?.pause();
  });
  await firstValueFrom(connection.status$.pipe(filter((status) => status === 'live')));
  return {
    name,
    get sessionId() {
      return sessionId;
    },
    definitions: connection.definitions,
    readOn() {
      stopsAfter = Infinity;
      socket?.resume();
    },
    close() {
      connection.close();
    },
  };
}

function slowStore(ms: number): DefinitionStore {
  const store = memoryStore();
  return {
    ...store,
    put: (key, msg) => sleep(ms).then(() => store.put(key, msg)),
    delete: (key) => sleep(ms).then(() => store.delete(key)),
  };
}

import { afterEach } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { decodeMessage, encodeMessage } from 'ddl-fanout/wire';
import type { MessageKind, SyncMessages } from 'ddl-fanout/wire';
import { WebSocket } from 'ws';

/** What specs wait for, and what they would say of it. They wait for as long as the spec may take: a busy machine fails none. */
const waits = new Map<AbortController, () => string>();

afterEach(() => {
  const inVain = [...waits.values()].map((say) => `waited for ${say()} in vain`);
  for (const wait of waits.keys()) wait.abort();
  waits.clear();
  if (inVain.length > 0) throw new Error(inVain.join('\n'));
});

/** Looks again after every `next`, until the condition holds or the spec is over. */
async function waitUntil(
  condition: () => boolean,
  say: () => string,
  next: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const wait = new AbortController();
  waits.set(wait, say);
  try {
    while (!condition()) await next(wait.signal);
  } finally {
    waits.delete(wait);
  }
}

/** A client that a spec plays, message by message. */
export class Client {
  readonly received: Uint8Array[] = [];
  /** What definitions and pongs came, in order: `put a`, `delete a`, `pong 5`. */
  readonly story: string[] = [];
  closeCode: number | undefined;
  readonly #changed = new EventTarget();

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.received.push(new Uint8Array(data));
      this.#tell(new Uint8Array(data));
      this.#changed.dispatchEvent(new Event('change'));
    });
    socket.on('open', () => this.#changed.dispatchEvent(new Event('change')));
    socket.on('close', (code) => {
      this.closeCode = code;
      this.#changed.dispatchEvent(new Event('change'));
    });
    socket.on('error', () => undefined);
  }

  static async open(url: string): Promise<Client> {
    const client = new Client(new WebSocket(url));
    await client.until(
      () => client.socket.readyState !== WebSocket.CONNECTING || client.closeCode !== undefined,
      'open',
    );
    return client;
  }

  /** A client that has shaken hands. */
  static async letIn(url: string, token = 'good', handshake: Partial<SyncMessages['Handshake']> = {}): Promise<Client> {
    const client = await Client.open(url);
    client.shake(token, handshake);
    await client.message('HandshakeAck');
    return client;
  }

  shake(token = 'good', handshake: Partial<SyncMessages['Handshake']> = {}): void {
    this.send('Handshake', {
      jwtToken: token,
      vectorClock: new Map(),
      subscribedShapes: [],
      clientVersion: '',
      liteId: '',
      epoch: 0n,
      wireVersion: 1,
      ...handshake,
    });
  }

  send<K extends MessageKind>(kind: K, message: SyncMessages[K]): void {
    this.socket.send(encodeMessage(kind, message));
  }

  ping(timestampMs: bigint): void {
    this.send('PingPong', { timestampMs, isPong: false });
  }

  resync(): void {
    this.send('ResyncRequest', { reason: { type: 'CorruptedState' }, fromMutationId: 0n, collection: '' });
  }

  /** All messages of one kind that came. */
  of<K extends MessageKind>(kind: K): SyncMessages[K][] {
    const messages = this.received.map((bytes) => decodeMessage(bytes));
    return messages.flatMap((each) => (each?.kind === kind ? [each.message as SyncMessages[K]] : []));
  }

  /** The first message of one kind, as soon as it has come. */
  async message<K extends MessageKind>(kind: K): Promise<SyncMessages[K]> {
    await this.until(() => this.of(kind).length > 0, kind);
    const [message] = this.of(kind);
    if (message === undefined) throw new Error(`no ${kind} came`);
    return message;
  }

  /** The code that the server closed with. */
  async closed(): Promise<number> {
    await this.until(() => this.closeCode !== undefined, 'close');
    return this.closeCode ?? 0;
  }

  #tell(bytes: Uint8Array): void {
    const received = decodeMessage(bytes);
    if (received?.kind === 'DefinitionSync') this.story.push(`${received.message.action} ${received.message.name}`);
    if (received?.kind === 'PingPong' && received.message.isPong)
      this.story.push(`pong ${received.message.timestampMs}`);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const say = (): string => {
      const ended = this.closeCode === undefined ? '' : `; the socket was closed with ${this.closeCode}`;
      return `${what} (after ${this.story.slice(-9).join(', ')}${ended})`;
    };
    await waitUntil(condition, say, (signal) => once(this.#changed, 'change', { signal }));
  }
}

/** A bare socket behind a WebSocket upgrade, for what no WebSocket client would send. */
export async function rawClient(url: string, { allowHalfOpen = false } = {}): Promise<Socket> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await once(socket, 'data');
  return socket;
}

/** The masked header of a client's frame; a mask of zeros leaves the payload as it is. */
export function clientHeader(first: number, length: number | bigint): Buffer {
  const header = Buffer.alloc(14);
  header[0] = first;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** The code of the close frame that a server sent last. */
export async function closeCodeOf(socket: Socket): Promise<number | undefined> {
  const chunks: Buffer[] = [];
  socket.on('data', (data) => chunks.push(data));
  socket.resume();
  await once(socket, 'close');
  const all = Buffer.concat(chunks);
  const at = all.lastIndexOf(0x88);
  return at < 0 ? undefined : all.readUInt16BE(at + 2);
}

/** Waits until something is true that nobody tells of. */
export async function eventually(condition: () => boolean, what = 'it'): Promise<void> {
  await waitUntil(
    condition,
    () => what,
    (signal) => setTimeout(5, undefined, { signal }),
  );
}

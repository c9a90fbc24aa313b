import {
  badOption,
  type Backoff,
  methodOption,
  milliseconds,
  objectOption,
  reconnectOption,
  schedulerOption,
} from '../options.js';
import { newLiteId } from './liteId.js';
import { memoryStore } from './memoryStore.js';
import { platformWebSocket } from './webSocketLike.js';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import type { DefinitionStore } from './definitionStore.js';
import type { LiteToken } from './tokenSource.js';
import type { WebSocketConstructor } from './webSocketLike.js';

export interface LiteOptions {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** A token, or a function that is asked for one before each connection and before a JWT expires. */
  readonly token: LiteToken;
  /** Told to the server; default empty. */
  readonly clientVersion?: string | undefined;
  /** Who this device is; default: random, for as long as this connection. */
  readonly liteId?: string | undefined;
  /**
   * 0 to 2^63-1, of the first handshake; each later one has the next. It MUST be above all that this `liteId` ever had.
   * Default: the time, in milliseconds.
   */
  readonly epoch?: bigint | undefined;
  /** Default: in memory. */
  readonly store?: DefinitionStore | undefined;
  /** Default: the platform's. Node has one from version 22 on; before, pass that of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  readonly reconnect?: ReconnectOptions | undefined;
  /** How long the server may take to let the device in, ms, above 0 to 2^31-1; default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /**
   * A server that was silent for this long is pinged, and given up when it is silent as long again, ms, above 0 to 2^31-1;
   * default 30,000.
   */
  readonly keepalive?: number | undefined;
  /** Where time comes from; default: the event loop. */
  readonly scheduler?: SchedulerLike | undefined;
}

export interface ReconnectOptions {
  /** Most to wait before the second attempt, ms, above 0 to `maxDelay`; default 500. It doubles with every failure in a row. */
  readonly initialDelay?: number | undefined;
  /** Most to wait before any attempt, ms, `initialDelay` to 2^31-1; default 30,000. */
  readonly maxDelay?: number | undefined;
}

/** The same with every default filled in. */
export type CheckedLiteOptions = {
  readonly [K in Exclude<keyof LiteOptions, 'reconnect'>]-?: NonNullable<LiteOptions[K]>;
} & { readonly reconnect: Backoff };

const DEFAULT_BACKOFF: Backoff = { initialDelay: 500, maxDelay: 30_000 };

/** Fills the defaults in. @throws {FanoutError} BAD_OPTION, naming the rule and the value */
export function checkLiteOptions(options: LiteOptions): CheckedLiteOptions {
  const {
    url,
    token,
    clientVersion = '',
    liteId = newLiteId(),
    epoch = BigInt(Date.now()),
  } = objectOption('options', options);
  const { store = memoryStore(), WebSocket = platformWebSocket(), scheduler = asyncScheduler } = options;
  const { handshakeTimeout = 10_000, keepalive = 30_000, reconnect = {} } = options;
  if (typeof token !== 'string' && typeof token !== 'function')
    throw badOption('token', 'a string or a function', token);
  checkText('clientVersion', clientVersion);
  checkText('liteId', liteId);
  if (typeof token === 'string') checkText('token', token);
  if (typeof epoch !== 'bigint' || epoch < 0n || epoch >> 63n > 0n)
    throw badOption('epoch', 'a bigint of 0 to 2^63-1', epoch);
  for (const method of ['get', 'put', 'delete', 'list'] as const) methodOption('store', store, method);
  schedulerOption(scheduler);
  if (typeof WebSocket !== 'function')
    throw badOption('WebSocket', 'a constructor (this platform has none)', WebSocket);
  return {
    url: socketUrl(url),
    token,
    clientVersion,
    liteId,
    epoch,
    scheduler,
    store,
    WebSocket,
    handshakeTimeout: milliseconds('handshakeTimeout', handshakeTimeout),
    keepalive: milliseconds('keepalive', keepalive),
    reconnect: reconnectOption(reconnect, DEFAULT_BACKOFF),
  };
}

function socketUrl(url: string): string {
  if (typeof url === 'string' && URL.canParse(url) && /^wss?:[^#]*$/i.test(url)) return url;
  throw badOption('url', 'a ws: or wss: URL without a fragment', url);
}

function checkText(option: string, value: unknown): void {
  if (typeof value !== 'string' || !value.isWellFormed()) {
    throw badOption(option, 'a string without lone surrogates', value);
  }
}

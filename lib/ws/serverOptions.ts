import { badOption, functionOption, methodOption, milliseconds, objectOption, wholeNumber } from '../options.js';
import { safeLogger, type Logger } from '../log.js';
import { DEFAULT_HIGH_WATER_MARK } from './deliverTo.js';
import { isServed } from './upgrades.js';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { DefinitionSyncFanout, OverflowStrategy, SessionOptions } from '../index.js';
import type { Authenticate, Identity } from './identity.js';

/** A client that was let in. */
export interface LetIn {
  /** The id under which it is registered in the fan-out, from its first registration to its end; a random UUID. */
  readonly sessionId: string;
  readonly identity: Identity;
  /** The upgrade; its `socket` closes when the session is over. */
  readonly request: IncomingMessage;
}

export interface ServeOptions {
  /**
   * Whose definitions are served. Without a catalog a device that connects lets go of all that it has; with one that is not
   * whole yet, of what is missing: serve only when whatever fills it has told so (`onCaughtUp`).
   */
  readonly fanout: DefinitionSyncFanout;
  /** A server of yours: its upgrades to `path` are taken, nothing else; you listen, and you close it. */
  readonly server?: HttpServer | HttpsServer | undefined;
  /** Without `server`: the port of a server of its own; 0, the default, is any free one. */
  readonly port?: number | undefined;
  /** Without `server`: default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Default `/sync`. */
  readonly path?: string | undefined;
  /** Decides who is let in, and to which scope; there is no default. */
  readonly authenticate: Authenticate;
  /**
   * Called once for each client that is let in, when its session is registered: who is behind which session id. To end the
   * session, `fanout.unregister(sessionId)`. What it throws goes to `config.onUnhandledError`.
   */
  readonly onSession?: ((session: LetIn) => void) | undefined;
  /** What a session gets at first; default `with-deletes` when the fan-out has a catalog, otherwise `false`. */
  readonly replay?: boolean | 'with-deletes' | undefined;
  /** Of each session; default: the fan-out's. */
  readonly capacity?: number | undefined;
  /**
   * Of each session; default: the fan-out's, which should be `catch-up` where it has a catalog: under the others a device that
   * is too slow lacks what was dropped until its next resync.
   */
  readonly overflow?: OverflowStrategy | undefined;
  /** Default: tslog at `warn` and above. */
  readonly logger?: Logger | undefined;
  readonly limits?: ServerLimits | undefined;
}

export interface ServerLimits {
  /** Sockets at a time, those that have not shaken hands included; 1 or more; default 1,024. */
  readonly maxSessions?: number | undefined;
  /** Milliseconds from the upgrade until the client must have been let in, above 0 to 2^31-1; default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** Milliseconds without anything from the client, above 0 to 2^31-1; halfway it is pinged; default 300,000. */
  readonly idleTimeout?: number | undefined;
  /** Most bytes of a message from a client, 5 or more; default 65,536. */
  readonly maxFrameBytes?: number | undefined;
  /** Bytes queued in a socket from which on its session waits; 1 or more; default 1 MiB. */
  readonly highWaterMark?: number | undefined;
}

/** What every connection of a server shares. */
export interface ServerSettings {
  readonly fanout: DefinitionSyncFanout;
  readonly path: string;
  readonly authenticate: Authenticate;
  readonly onSession: ((session: LetIn) => void) | undefined;
  readonly session: Pick<SessionOptions, 'capacity' | 'overflow'>;
  readonly hasCatalog: boolean;
  readonly replay: boolean | 'with-deletes';
  readonly logger: Logger;
  readonly limits: { readonly [K in keyof ServerLimits]-?: number };
}

/** Fills the defaults in. @throws {FanoutError} BAD_OPTION, naming the rule and the value */
export function checkServeOptions(options: ServeOptions): ServerSettings {
  const {
    fanout,
    authenticate,
    onSession,
    path = '/sync',
    capacity,
    overflow,
    limits,
  } = objectOption('options', options);
  const logger = safeLogger(options.logger);
  methodOption('fanout', fanout, 'register');
  functionOption('authenticate', authenticate);
  if (onSession !== undefined) functionOption('onSession', onSession);
  if (typeof path !== 'string' || !isPath(path))
    throw badOption(
      'path',
      'a path as a client asks for it: with / at its head, percent-encoded, without a query',
      path,
    );
  checkAddress(options, path);
  const hasCatalog = fanout.catalog !== undefined;
  const { replay = hasCatalog ? 'with-deletes' : false } = options;
  // Whatever a session would be refused for is refused now.
  fanout.register('', ignore, { capacity, overflow, replay });
  return {
    fanout,
    path,
    authenticate,
    onSession,
    session: { capacity, overflow },
    hasCatalog,
    replay,
    logger,
    limits: checkLimits(limits),
  };
}

function checkLimits(limits: ServerLimits = {}): ServerSettings['limits'] {
  objectOption('limits', limits);
  const { maxSessions = 1_024, handshakeTimeout = 10_000, idleTimeout = 300_000 } = limits;
  const { maxFrameBytes = 65_536, highWaterMark = DEFAULT_HIGH_WATER_MARK } = limits;
  return {
    maxSessions: wholeNumber('limits.maxSessions', maxSessions, 1),
    handshakeTimeout: milliseconds('limits.handshakeTimeout', handshakeTimeout),
    idleTimeout: milliseconds('limits.idleTimeout', idleTimeout),
    maxFrameBytes: wholeNumber('limits.maxFrameBytes', maxFrameBytes, 5),
    highWaterMark: wholeNumber('limits.highWaterMark', highWaterMark, 1),
  };
}

function checkAddress({ server, port, host }: ServeOptions, path: string): void {
  if (server === undefined) {
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      throw badOption('port', 'a whole number of 0 to 65535', port);
    }
    // An empty one would listen on all interfaces.
    if (host !== undefined && (typeof host !== 'string' || host === ''))
      throw badOption('host', 'a name or an address', host);
    return;
  }
  methodOption('server', server, 'on');
  if (isServed(server, path)) throw badOption('path', 'one that is not served on this server yet', path);
  if (port !== undefined) throw badOption('port', 'absent when a server is given', port);
  if (host !== undefined) throw badOption('host', 'absent when a server is given', host);
}

/** Clients encode and normalise what they ask for. */
function isPath(path: string): boolean {
  return path.startsWith('/') && URL.canParse(path, 'ws://host') && new URL(path, 'ws://host').pathname === path;
}

function ignore(): void {
  // Nobody subscribes.
}

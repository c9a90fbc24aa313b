import { DefinitionSyncFanout, type DefinitionScope, type DefinitionSyncMsg, type FanoutOptions } from 'ddl-fanout';
import { serveDefinitions, type DefinitionServer, type Identity, type ServeOptions } from 'ddl-fanout/ws';
import { recordingLogger } from 'ddl-fanout/testing';

/** A running server with its fan-out, on a free port of this machine. */
export interface Origin {
  readonly fanout: DefinitionSyncFanout;
  readonly server: DefinitionServer;
  readonly logger: ReturnType<typeof recordingLogger>;
  put(name: string, text?: string, scope?: DefinitionScope): void;
  drop(name: string, scope?: DefinitionScope): void;
}

/** Tokens of these servers: `good` is unscoped, `tenant:7` has a scope, `until:<epoch seconds>` expires; all else is refused. */
export function authenticate(token: string): Identity {
  const [kind, value = ''] = token.split(':');
  if (kind === 'good') return { subject: 'someone' };
  if (kind === 'tenant') return { subject: 'someone', scope: tenant(BigInt(value)) };
  if (kind === 'until') return { subject: 'someone', expiresAt: Number(value) };
  throw new Error(`unknown token ${token}`);
}

export function tenant(tenantId: bigint): DefinitionScope {
  return { tenantId, databaseId: 1n };
}

export async function startOrigin(
  options: Partial<ServeOptions> = {},
  fanoutOptions: FanoutOptions = { catalog: true },
): Promise<Origin> {
  const logger = recordingLogger();
  const fanout = options.fanout ?? new DefinitionSyncFanout({ logger, ...fanoutOptions });
  const server = await serveDefinitions({ fanout, authenticate, logger, ...options });
  return {
    fanout,
    server,
    logger,
    put: (name, text = '{}', scope) => {
      fanout.broadcast(change(name, 'put', new TextEncoder().encode(text), scope));
    },
    drop: (name, scope) => {
      fanout.broadcast(change(name, 'delete', new Uint8Array(), scope));
    },
  };
}

function change(
  name: string,
  action: 'put' | 'delete',
  payload: Uint8Array,
  scope?: DefinitionScope,
): DefinitionSyncMsg {
  return { definitionType: 'function', name, action, payload, scope };
}

import { JetStreamApiError } from '@nats-io/jetstream';
import { CodedError } from '../codedError.js';
import { WireError } from '../errors.js';

export type NatsDefinitionsErrorCode =
  | 'NO_JETSTREAM'
  | 'NOT_PERMITTED'
  | 'TOO_FEW_SERVERS'
  | 'BUCKET_UNFIT'
  | 'BUCKET_REPLACED'
  | 'BUCKET_FULL'
  | 'TOO_LONG'
  | 'TOO_LARGE'
  | 'UNAVAILABLE'
  | 'REFUSED'
  | 'FENCED'
  | 'CLOSED';

/**
 * What goes wrong between this library and NATS; `cause` is what the client said.
 *
 * - `NO_JETSTREAM`: nothing answered for JetStream: not enabled on the server, or not for the account.
 * - `NOT_PERMITTED`: the connection's user may not do what is needed; the message names the subject.
 * - `TOO_FEW_SERVERS`: there are fewer servers than `replicas`.
 * - `BUCKET_UNFIT`: a stream of the bucket's name exists and could lose or mix definitions; the message names the setting. Or
 *   a stream of another name has its subjects.
 * - `BUCKET_REPLACED`: the bucket was deleted, created anew or set back: what was read of it no longer tells what it holds.
 * - `BUCKET_FULL`: the bucket, its account or its server has reached a limit; nothing was stored.
 * - `TOO_LONG`: scope, type and name make a key longer than a NATS subject may be; nothing was sent.
 * - `TOO_LARGE`: the frame is larger than the server's `max_payload`; nothing was stored.
 * - `UNAVAILABLE`: no answer within `timeout`. Of a publish: it may be stored or not; say it again with the same `id`.
 * - `REFUSED`: JetStream went on saying no for `timeout`, for a reason that none of the others names; the message tells it.
 * - `FENCED`: the leader's term is over. Of a publish: stored only if it was before another leader took over.
 * - `CLOSED`: the connection was closed by its owner, or gave up reconnecting (with `reconnect: false`, at once).
 */
export class NatsDefinitionsError extends CodedError<NatsDefinitionsErrorCode> {
  override readonly name = 'NatsDefinitionsError';
}

/** Whether it is an error of this library's with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly NatsDefinitionsErrorCode[]): boolean {
  return error instanceof NatsDefinitionsError && codes.includes(error.code);
}

/**
 * Whether `publish` has rejected a message for what it is (TOO_LONG, TOO_LARGE, UNENCODABLE), so that no other try, node or
 * time would store it. Whoever relays a source decides whether to go on without it, or to stand still.
 */
export function isUndeliverable(error: unknown): boolean {
  if (error instanceof WireError) return error.code === 'UNENCODABLE';
  return hasCode(error, 'TOO_LONG', 'TOO_LARGE');
}

/** `err_code` of JetStream's API to what it means here. */
const apiCodes: Readonly<Record<number, NatsDefinitionsErrorCode>> = {
  10002: 'BUCKET_FULL', // account storage limit
  10005: 'TOO_FEW_SERVERS', // no suitable peers for placement
  10006: 'UNAVAILABLE', // the cluster is not active
  10009: 'UNAVAILABLE', // the cluster has no leader that could
  10023: 'BUCKET_FULL', // insufficient resources
  10026: 'BUCKET_FULL', // the stream's or the account's limit of consumers
  10027: 'BUCKET_FULL', // the account's limit of streams
  10028: 'BUCKET_FULL', // account memory limit
  10035: 'NO_JETSTREAM', // not enabled, not found as an account
  10039: 'NO_JETSTREAM', // not enabled for the account
  10047: 'BUCKET_FULL', // insufficient storage
  10054: 'TOO_LARGE',
  10059: 'BUCKET_REPLACED', // stream not found
  10060: 'BUCKET_REPLACED', // expected stream does not match
  10065: 'BUCKET_UNFIT', // another stream has the bucket's subjects
  10074: 'TOO_FEW_SERVERS', // replicas on a server without a cluster
  10076: 'NO_JETSTREAM', // not enabled on the server
  10118: 'UNAVAILABLE', // the servers that have the stream are away
  10119: 'UNAVAILABLE', // the server that has the consumer is away
};

/** By the client's error names: its classes may come from another copy of the package than ours. */
const clientErrors: Readonly<Record<string, NatsDefinitionsErrorCode>> = {
  PermissionViolationError: 'NOT_PERMITTED',
  AuthorizationError: 'NOT_PERMITTED',
  ClosedConnectionError: 'CLOSED',
  DrainingConnectionError: 'CLOSED',
  TimeoutError: 'UNAVAILABLE',
  NoResponders: 'UNAVAILABLE',
  RequestError: 'UNAVAILABLE',
  JetStreamNotEnabled: 'UNAVAILABLE', // so the client calls an API subject that nobody serves, also while servers restart
  ConnectionError: 'UNAVAILABLE',
};

/** `err_code` of JetStream when a sequence that a publish expects is not the last one. */
export const wrongLastSequence = 10071;

/** The JetStream `err_code` in an error, or 0. */
export function apiCode(error: unknown): number {
  return error instanceof JetStreamApiError ? error.code : 0;
}

function codeOf(error: Error): NatsDefinitionsErrorCode | undefined {
  if (!(error instanceof JetStreamApiError)) return clientErrors[error.name];
  // One code for everything that keeps a message from being stored; only its text tells a limit from a server that stops.
  if (error.code === 10077) return error.message.includes('exceeded') ? 'BUCKET_FULL' : 'UNAVAILABLE';
  return apiCodes[error.code] ?? (error.status === 503 ? 'UNAVAILABLE' : 'REFUSED');
}

/**
 * Gives an error of the NATS client its code; what is none of them stays as it is, and so does a wrong last sequence, which
 * is an answer to whoever expected one.
 * A cause is looked through, since the client wraps what a request met.
 */
export function definitionsError(error: unknown, doing: string): unknown {
  if (error instanceof NatsDefinitionsError || !(error instanceof Error)) return error;
  if (apiCode(error) === wrongLastSequence) return error;
  const inner = error.cause instanceof Error ? codeOf(error.cause) : undefined;
  const code = inner === 'NOT_PERMITTED' || inner === 'CLOSED' ? inner : codeOf(error);
  if (code === undefined) return error;
  const why = inner === code ? (error.cause as Error).message : error.message;
  return new NatsDefinitionsError(code, `${doing}: ${why}`, { cause: error });
}

/** Whether trying again will help, however long it takes. */
export function isPassing(error: unknown): boolean {
  return hasCode(error, 'UNAVAILABLE');
}

/** Whether trying again may help: of a refusal that this does not know, nobody can say. */
export function mayPass(error: unknown): boolean {
  return hasCode(error, 'UNAVAILABLE', 'REFUSED');
}

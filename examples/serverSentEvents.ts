/**
 * An adapter of one's own, for server-sent events: a client that comes back is told what it missed, or that it must
 * begin anew. Run: npx tsx examples/serverSentEvents.ts
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DefinitionCatalog, DefinitionSyncFanout } from 'ddl-fanout';
import { filter, firstValueFrom } from 'rxjs';

// The adapter ------------------------------------------------------------------------------
const catalog = new DefinitionCatalog({ maxTombstones: 2 }); // so few, that the last client below has missed too much
const fanout = new DefinitionSyncFanout({ catalog, overflow: 'catch-up' });
const run = randomUUID(); // sequences begin again with the process
let clients = 0;

function serveEvents(request: IncomingMessage, response: ServerResponse): void {
  const [ofRun, sequence] = String(request.headers['last-event-id']).split('/');
  const resumes = ofRun === run && catalog.canResumeAfter(Number(sequence));
  const replay = resumes ? ({ replay: 'with-deletes', after: Number(sequence) } as const) : { replay: true };
  const receiver = fanout.receiver(`events-${String(++clients)}`, replay);
  if (receiver.closed) {
    response.destroy(); // the fan-out is over: an empty replay would empty the client, a status keep a browser from coming back
    return;
  }
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort();
    void receiver.return();
  });
  const serve = async (): Promise<void> => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    if (!resumes) response.write('event: reset\ndata:\n\n'); // the client lets go of what it has
    for await (const frame of receiver) {
      const { definitionType, name, action, payload } = frame.msg;
      const data = JSON.stringify({ definitionType, name, action, payload: new TextDecoder().decode(payload) });
      const written = response.write(`id: ${run}/${String(frame.sequence)}\ndata: ${data}\n\n`);
      if (!written) await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
  };
  serve().catch((error: unknown) => {
    if (!gone.signal.aborted) console.error(error);
    response.destroy();
  });
}

// Its use ----------------------------------------------------------------------------------
const server = createServer(serveEvents).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

function commit(...changes: string[]): void {
  for (const change of changes) {
    const action = change.startsWith('-') ? 'delete' : 'put';
    const payload = new TextEncoder().encode(action === 'put' ? '{}' : '');
    fanout.broadcast({ definitionType: 'function', name: change.slice(1), action, payload });
  }
}

/** What a client is told until it has been told of `last`; returns the id to come back with. */
async function listen(who: string, last: string, lastEventId?: string): Promise<string> {
  const ended = firstValueFrom(fanout.events$.pipe(filter(({ type }) => type === 'ended')));
  const response = await fetch(url, { headers: lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId } });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(`"name":"${last}"`) && text.endsWith('\n\n')) break; // leaves: the connection is closed
  }
  const told = text.split('\n\n').flatMap((event) => {
    if (event.startsWith('event: reset')) return ['reset'];
    const [, data] = event.split('data: ');
    if (data === undefined) return [];
    const { action, name } = JSON.parse(data) as { action: string; name: string };
    return [`${action} ${name}`];
  });
  console.log(`${who}: ${told.join(', ')}`);
  await ended; // the server hears of it a little later
  return /id: (\S+)\ndata: [^\n]*\n\n$/.exec(text)?.[1] ?? '';
}

commit('+tax', '+cart', '+stock');
const id = await listen('a new client', 'stock');
commit('-cart', '+tax', '+price');
await listen('back again', 'price', id);
commit('-tax', '-stock', '-price', '+rate');
await listen('back too late', 'rate', id);
fanout.complete();
server.close();

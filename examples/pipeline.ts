/**
 * The fan-out at the end of a pipeline that exists already: it is an Observer, so `subscribe(fanout)` is all it takes.
 * Run: npx tsx examples/pipeline.ts
 */
import { DefinitionSyncFanout, type DefinitionSyncMsg } from 'ddl-fanout';
import { concat, distinctUntilChanged, filter, groupBy, mergeMap, of } from 'rxjs';

const definition = (name: string, body: string): DefinitionSyncMsg => ({
  definitionType: 'function',
  name,
  action: 'put',
  payload: new TextEncoder().encode(JSON.stringify({ name, body_sql: body })),
});

// What the pipeline has today: everything that the migration tool tells, its own helpers and repetitions too.
const ddl$ = concat(
  of(definition('shop.price(bigint)', 'select 1')),
  of(definition('migration_tool.lock()', 'select 0')),
  of(definition('shop.price(bigint)', 'select 1')),
  of(definition('shop.price(bigint)', 'select 2')),
  of({ ...definition('shop.tax(bigint)', ''), action: 'delete', payload: new Uint8Array() }),
);

const fanout = new DefinitionSyncFanout();
fanout
  .register('phone', ({ sequence, msg, bytes }) => {
    console.log(`phone got #${sequence} ${msg.action} ${msg.name}, ${bytes.length} bytes`);
  })
  .subscribe({
    complete: () => {
      console.log('phone is done');
    },
  });

const sameText = (a: DefinitionSyncMsg, b: DefinitionSyncMsg): boolean =>
  a.action === b.action && Buffer.compare(a.payload, b.payload) === 0;

ddl$
  .pipe(
    filter(({ name }) => !name.startsWith('migration_tool.')),
    groupBy(({ definitionType, name }) => `${definitionType}:${name}`),
    mergeMap((changes$) => changes$.pipe(distinctUntilChanged(sameText))),
  )
  .subscribe(fanout);

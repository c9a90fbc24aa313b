import { decodeDefinitionSync, decodeFrame, encodeDefinitionSync } from 'ddl-fanout';
import { Packr, Unpackr } from 'msgpackr';
import { interleave } from './support/interleave.js';
import { message } from './support/message.js';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Figure, Group } from './support/figure.js';
import type { Runner } from './support/interleave.js';

const PAYLOADS = [64, 1_024, 16_384];
const TIMES = 5_000;
const SCOPE = { tenantId: 7n, databaseId: 42n };

export const group: Group = {
  name: 'codec',
  title: 'Encoding and decoding',
  axis: 'payload bytes',
  about:
    'Per message. Encoding checks the fields and gives the whole frame in a buffer of its own; its control is `pack` of ' +
    'msgpackr with the same array, whose result is a view on a shared buffer. Decoding is strict; its control is `unpack` of ' +
    'msgpackr with the body.',
  async run({ effort }) {
    const figures: Figure[] = [];
    for (const size of PAYLOADS) {
      for (const scoped of [false, true]) {
        const runners = runnersFor({ ...message(undefined, size), ...(scoped ? { scope: SCOPE } : {}) });
        const times = await interleave(runners, { warmUp: 8, rounds: Math.max(3, Math.round(41 * effort)) });
        for (const [ours, control, atMost] of [
          ['encode', 'pack', 1],
          ['decode', 'unpack', 1.3],
        ] as const) {
          figures.push({
            what: scoped ? `${ours}, with a scope` : ours,
            size,
            unit: 'ns',
            ours: times.spread(ours),
            control: times.cost(control),
            ratio: times.ratio(ours, control),
            // What the targets speak of; smaller and larger ones are there to be seen.
            target: size === 1_024 ? { of: 'ratio', atMost } : undefined,
          });
        }
      }
    }
    return figures;
  },
};

function runnersFor(msg: DefinitionSyncMsg): Runner[] {
  const packr = new Packr({ useRecords: false });
  const unpackr = new Unpackr({ useRecords: false, int64AsType: 'bigint' });
  const fields = [msg.definitionType, msg.name, msg.action, msg.payload];
  const array =
    msg.scope === undefined ? fields : [Number(msg.scope.tenantId), Number(msg.scope.databaseId), ...fields];
  const bytes = encodeDefinitionSync(msg);
  const { body } = decodeFrame(bytes);
  return [
    repeated('encode', () => encodeDefinitionSync(msg).length),
    repeated('pack', () => packr.pack(array).length),
    repeated('decode', () => decodeDefinitionSync(bytes).payload.length),
    repeated('unpack', () => (unpackr.unpack(body) as unknown[]).length),
  ];
}

function repeated(name: string, once: () => number): Runner {
  return {
    name,
    run() {
      let sum = 0;
      for (let i = 0; i < TIMES; i++) sum += once();
      // The sum is asked for, so that no call can be left out.
      if (sum === 0) throw new Error(`${name} gave nothing`);
      return TIMES;
    },
  };
}

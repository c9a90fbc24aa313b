import { DefinitionSyncFanout } from 'ddl-fanout';
import { interleave } from './support/interleave.js';
import { message } from './support/message.js';
import { roundsFor } from './support/rounds.js';
import type { Group } from './support/figure.js';
import type { Runner } from './support/interleave.js';

const IN_SCOPE = 100;
const BROADCASTS = 1_000;
const AMONG = 'ddl-fanout';

export const group: Group = {
  name: 'scope',
  title: 'One scope among many',
  about: `Per broadcast to the ${IN_SCOPE} sessions of one scope, with so many sessions in all, in scopes of ${IN_SCOPE}.`,
  async run(options) {
    const figures = [];
    for (const size of [1_000, 10_000, 100_000]) {
      const control = `a fan-out with only those ${IN_SCOPE}`;
      const runners = [broadcasting(AMONG, size), broadcasting(control, IN_SCOPE)];
      const times = await interleave(runners, roundsFor(1_000, options));
      figures.push({
        what: `one scope of ${IN_SCOPE}`,
        size,
        unit: 'ns',
        ours: times.spread(AMONG),
        control: { ...times.cost(control), own: true },
        ratio: times.ratio(AMONG, control),
        target: { of: 'ratio', atMost: 1.5 } as const,
      });
    }
    return figures;
  },
};

function broadcasting(name: string, sessions: number): Runner {
  const fanout = new DefinitionSyncFanout();
  let frames = 0;
  for (let i = 0; i < sessions; i++) {
    const scope = { tenantId: BigInt(Math.floor(i / IN_SCOPE)), databaseId: 1n };
    const deliver = () => {
      frames++;
    };
    fanout.register(`session-${i}`, deliver, { scope }).subscribe();
  }
  const msg = { ...message(), scope: { tenantId: 0n, databaseId: 1n } };
  return {
    name,
    run() {
      frames = 0;
      for (let i = 0; i < BROADCASTS; i++) fanout.broadcast(msg);
      if (frames !== BROADCASTS * IN_SCOPE) throw new Error(`${frames} frames were delivered`);
      return BROADCASTS;
    },
  };
}

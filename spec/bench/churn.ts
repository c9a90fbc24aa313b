import { DefinitionSyncFanout } from 'ddl-fanout';
import { Subject, Subscription } from 'rxjs';
import { BareRegistry } from './contenders/bareObservable.js';
import { eachOf } from './contenders/contender.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { shuffled } from './support/message.js';
import { roundsFor } from './support/rounds.js';
import type { Unsubscribable } from 'rxjs';
import type { Figure, Group } from './support/figure.js';
import type { Rounds, Runner, Times } from './support/interleave.js';

/** Sessions that each round registers, and lets go, at least. */
const OPERATIONS = 20_000;
/** How often the one id comes and goes in a round. */
const COMINGS = 2_000;

const OURS = 'ddl-fanout';
const SCOPED = 'ddl-fanout, a scope for each session';
const BARE = 'bare Observable, Set and Map';
const SUBJECT = 'Subject.subscribe';

const THE_ONE = 'the one';

type Register = (id: string) => Unsubscribable;

/** New and empty places to register at. */
const makers: Readonly<Record<string, () => Register>> = {
  [OURS]: () => {
    const fanout = new DefinitionSyncFanout();
    return (id) => fanout.register(id, () => undefined).subscribe();
  },
  [SCOPED]: () => {
    const fanout = new DefinitionSyncFanout();
    let sessions = 0n;
    return (id) => {
      const scope = { tenantId: 1n, databaseId: id === THE_ONE ? 0n : ++sessions };
      return fanout.register(id, () => undefined, { scope }).subscribe();
    };
  },
  [BARE]: () => {
    const registry = new BareRegistry();
    return (id) => registry.register(id, () => undefined);
  },
  [SUBJECT]: () => {
    const subject = new Subject();
    return () => subject.subscribe(() => undefined);
  },
};

export const group: Group = {
  name: 'churn',
  title: 'Registering and unregistering',
  about:
    'Per session: registering so many sessions one after the other; unsubscribing them in random order; and one id that comes ' +
    "and goes while so many are registered (per coming and going), and the same where each is the one session of its scope. Subject's " +
    'own subscribe is left out above 10,000, where letting go takes it seconds.',
  async run(options) {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const names = size > 10_000 ? [OURS, BARE] : [OURS, BARE, SUBJECT];
      const rounds = { ...roundsFor(size, options), warmUp: 3 };
      const time = (make: (name: string, size: number) => Runner): Promise<Times> =>
        interleave(
          names.map((name) => make(name, size)),
          rounds,
        );
      figures.push(
        figure('register', size, names, await time(registering)),
        figure('unsubscribe in random order', size, names, await time(unsubscribing)),
        figure('one id comes and goes', size, names, await time(comingAndGoing)),
        await scopeComesAndGoes(size, rounds),
      );
    }
    return figures;
  },
};

function figure(what: string, size: number, names: readonly string[], times: Times): Figure {
  const one = what.startsWith('one');
  return {
    what,
    size,
    unit: 'ns',
    ours: times.spread(OURS),
    control: times.cost(BARE),
    ratio: times.ratio(OURS, BARE),
    target: one ? { of: 'cost', atMost: 1_000 } : { of: 'ratio', atMost: 2 },
    others: names.slice(2).map((name) => times.cost(name)),
  };
}

async function scopeComesAndGoes(size: number, rounds: Rounds): Promise<Figure> {
  const names = [SCOPED, BARE];
  const times = await interleave(
    names.map((name) => comingAndGoing(name, size)),
    rounds,
  );
  return {
    what: 'one scope comes and goes',
    size,
    unit: 'ns',
    ours: times.spread(SCOPED),
    control: times.cost(BARE),
    ratio: times.ratio(SCOPED, BARE),
  };
}

function registering(name: string, size: number): Runner {
  const ids = idsOf(size);
  const places = Math.max(1, Math.round(OPERATIONS / size));
  let registers: Register[] = [];
  let kept: Unsubscribable[] = [];
  return {
    name,
    prepare() {
      kept = new Array<Unsubscribable>(places * size);
      registers = eachOf(places, newPlace(name));
    },
    run() {
      let i = 0;
      for (const register of registers) for (const id of ids) kept[i++] = register(id);
      return i;
    },
  };
}

function unsubscribing(name: string, size: number): Runner {
  const ids = idsOf(size);
  const order = shuffled(size);
  const places = Math.max(1, Math.round(OPERATIONS / size));
  let all: Unsubscribable[][] = [];
  return {
    name,
    prepare() {
      all = eachOf(places, () => {
        const register = newPlace(name)();
        const sessions = ids.map(register);
        return order.map((i) => sessions[i] ?? Subscription.EMPTY);
      });
    },
    run() {
      for (const sessions of all) for (const session of sessions) session.unsubscribe();
      return places * size;
    },
  };
}

function comingAndGoing(name: string, size: number): Runner {
  const register = newPlace(name)();
  const kept = idsOf(size).map(register);
  return {
    name,
    run() {
      for (let i = 0; i < COMINGS; i++) register(THE_ONE).unsubscribe();
      return COMINGS;
    },
    close: () => kept.splice(0),
  };
}

function newPlace(name: string): () => Register {
  const make = makers[name];
  if (make === undefined) throw new Error(`nothing is called ${name}`);
  return make;
}

function idsOf(size: number): string[] {
  return eachOf(size, (i) => `session-${i}`);
}

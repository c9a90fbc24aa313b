import { meets } from './figure.js';
import { cellsOf, HEAD, short, spreadText } from './table.js';
import type { Figure } from './figure.js';
import type { Result } from './table.js';

export interface Machine {
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly cores: number;
}

/** BENCHMARKS.md. */
export function pageOf(results: readonly Result[], machine: Machine, plots: string): string {
  return [
    '# Benchmarks',
    '',
    'Made by `npm run bench -- --markdown --plot --also ws`; not to be edited by hand. One group alone: `npm run bench -- --only broadcast`.',
    '',
    '## How it was measured',
    '',
    `- Node ${machine.node} (V8 ${machine.v8}) on ${machine.cores} cores (${machine.cpu}) that had other work too: quote the ratios, not the times.`,
    '- Ours and all contenders run in one process (WebSocket servers each in their own), in turns, round by round, each round in',
    '  another order, after rounds to warm up that do not count: what mitata and tinybench, which time one contender after the',
    '  other, do not do. A figure is the median of the rounds with its quartiles in brackets; a ratio is taken',
    '  round by round, so what slows a whole round down falls out of it. The nursery is emptied before each run.',
    "- Each run checks that every frame arrived, or was dropped. Node's flags are its own, but for `--expose-gc`.",
    '- The library is compiled as it is shipped (ES2022, no names attached to closures), and so are the contenders.',
    '- Contenders are in `spec/bench/contenders`, each the best that a user would write or pick, and each encodes once as',
    '  ours does; the file says what each leaves out (`floor.ts` is the plain arrays). A contender is measured once for all',
    '  that ours is compared in. The line of tokio (the original, in Rust: `mpsc::try_send` to each session, then drained) is a',
    '  constant, measured elsewhere on a machine of the same kind, and the same for every burst. How many times faster ours is',
    '  is told by what the plain arrays took, there and here.',
    '- A target is either of the ratio (`≤ 2`) or of the figure itself (`cost ≤ 600`). The tables of the others have its unit.',
    '- Groups that were measured at one size alone have no plot.',
    '',
    '## Where we lose',
    '',
    ...lossesOf(results),
    '',
    ...results.flatMap((result) => sectionOf(result, plots)),
  ].join('\n');
}

function lossesOf(results: readonly Result[]): string[] {
  const missed = results.flatMap(({ group, figures }) =>
    figures.filter((figure) => meets(figure) === false).map((figure) => `- ${group.title}: ${lossText(figure)}`),
  );
  missed.push(
    ...results.flatMap(({ group, figures }) =>
      figures.flatMap((figure) =>
        figure.missed === undefined ? [] : [`- ${group.title}: ${placeOf(figure)}: ${figure.missed}.`],
      ),
    ),
  );
  const beaten = results.flatMap(({ group, figures }) => figures.flatMap((figure) => beatenBy(figure, group.title)));
  if (missed.length + beaten.length === 0) return ['Nowhere, in this run.'];
  return [
    ...(missed.length > 0
      ? ['Targets that this run missed:', '', ...missed, '']
      : ['Every target was met in this run.', '']),
    ...(beaten.length > 0 ? ['Contenders that were faster, or smaller (most of them do less):', '', ...beaten] : []),
  ];
}

function lossText(figure: Figure): string {
  const { ours, ratio, target, unit } = figure;
  const found =
    target?.of === 'ratio' ? `${spreadText(ratio ?? ours)} times its control` : `${short(ours.median)} ${unit}`;
  return `${placeOf(figure)}: ${found}, meant to be at most ${target?.atMost.toLocaleString('en') ?? ''}.`;
}

function placeOf({ what, size }: Figure): string {
  return size === 1 ? what : `${what}, ${size.toLocaleString('en')}`;
}

function beatenBy(figure: Figure, title: string): string[] {
  const { ours, unit, control, others = [] } = figure;
  const contenders = control === undefined || control.own ? others : [control, ...others];
  const faster = contenders.filter(({ cost }) => cost.median < ours.median);
  if (faster.length === 0) return [];
  const names = faster.map(({ name, cost }) => `${name} (${short(cost.median)})`).join(', ');
  return [`- ${title}: ${placeOf(figure)}: ours ${short(ours.median)} ${unit}; ${names}.`];
}

function sectionOf({ group, figures }: Result, plots: string): string[] {
  const axis = group.axis ?? 'sessions';
  const head = HEAD.map((cell) => (cell === 'size' ? axis : cell));
  const noted = figures.filter(({ note }) => note !== undefined);
  const contenders = [...new Set(figures.flatMap(({ others = [] }) => others.map(({ name }) => name)))];
  return [
    `## ${group.title}`,
    '',
    group.about,
    '',
    ...(group.plotted === false ? [] : [`![${group.title}](${plots}/${group.name}.svg)`, '']),
    ...tableOf(head, figures.map(cellsOf)),
    '',
    ...(contenders.length === 0
      ? []
      : [
          ...tableOf(
            ['the others', axis, ...contenders],
            figures.map((f) => othersOf(f, contenders)),
          ),
          '',
        ]),
    ...(noted.length === 0
      ? []
      : [...noted.map(({ what, size, note }) => `- ${what}, ${size.toLocaleString('en')}: ${note ?? ''}`), '']),
  ];
}

function othersOf({ what, size, others = [] }: Figure, contenders: readonly string[]): string[] {
  const cells = contenders.map((name) => {
    const cost = others.find((each) => each.name === name)?.cost;
    return cost === undefined ? '' : short(cost.median);
  });
  return [what, size.toLocaleString('en'), ...cells];
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

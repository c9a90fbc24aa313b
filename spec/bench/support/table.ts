import { meets } from './figure.js';
import type { Figure, Group, Spread } from './figure.js';

/** Figures of one group. */
export interface Result {
  readonly group: Group;
  readonly figures: readonly Figure[];
}

export const HEAD = ['what', 'size', 'ours', 'control', 'ratio', 'target', ''] as const;

/** The cells of one figure, as the terminal and the page show them. */
export function cellsOf(figure: Figure): string[] {
  const { what, size, unit, ours, control, ratio, target } = figure;
  return [
    what,
    size.toLocaleString('en'),
    `${spreadText(ours)} ${unit}`,
    control === undefined ? '' : `${control.name}: ${spreadText(control.cost)}`,
    ratio === undefined ? '' : spreadText(ratio),
    target === undefined ? '' : `${target.of === 'ratio' ? '' : 'cost '}≤ ${target.atMost.toLocaleString('en')}`,
    verdict(figure),
  ];
}

export function verdict(figure: Figure): string {
  const met = meets(figure);
  return met === undefined ? '' : met ? 'met' : 'missed';
}

/** The median, and the quartiles where they differ from it. */
export function spreadText({ low, median, high }: Spread): string {
  const [l, m, h] = [low, median, high].map(short) as [string, string, string];
  return l === m && h === m ? m : `${m} (${l} to ${h})`;
}

/** Three digits that count. */
export function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(value >= 10 ? 3 : value >= 1 ? 3 : 2);
}

/** Lines for a terminal: columns padded to their widest cell. */
export function tableOf({ group, figures }: Result): string {
  const rows = [[...HEAD], ...figures.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`\n${group.title} (${group.name}; size: ${group.axis ?? 'sessions'})`, ...lines, ...othersOf(figures)].join(
    '\n',
  );
}

/** The other contenders, a line a figure. */
function othersOf(figures: readonly Figure[]): string[] {
  return figures.flatMap(({ what, size, others = [], note }) => {
    const facts = [
      ...others.map(({ name, cost }) => `${name} ${short(cost.median)}`),
      ...(note === undefined ? [] : [note]),
    ];
    return facts.length === 0 ? [] : [`  ${what}, ${size.toLocaleString('en')}: ${facts.join('; ')}`];
  });
}

import type { Figure } from './figure.js';
import type { Result } from './table.js';

const PANEL = { width: 460, height: 300, left: 58, right: 190, top: 34, bottom: 42 };
/** The same on every plot. */
const COLOURS = new Map([
  ['ddl-fanout', '#c0392b'],
  ['plain arrays and a loop', '#2c3e50'],
  ['idiomatic RxJS', '#2980b9'],
  ['RxJS with concatMap', '#8e44ad'],
  ['EventEmitter', '#27ae60'],
  ['Subject.next', '#d81b60'],
  ['Subject.subscribe', '#d81b60'],
  ['Subject.complete', '#d81b60'],
  ['Node streams', '#d68910'],
  ['async iterators', '#a04000'],
  ['tokio (constant)', '#7f8c8d'],
]);
/** Of whatever else is its plot's control. */
const OTHER_COLOUR = '#16a085';

interface Point {
  readonly size: number;
  readonly cost: number;
}

interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  readonly dashed: boolean;
}

/** One panel for each thing that the group measures, side by side: cost against size, both logarithmic. */
export function plotOf({ group, figures }: Result): string {
  const whats = [...new Set(figures.map(({ what }) => what))];
  const panels = whats.map((what, place) => {
    const own = figures.filter((figure) => figure.what === what);
    const unit = own[0]?.unit ?? '';
    return panelOf(
      what,
      `${unit} against ${group.axis ?? 'sessions'}, both logarithmic`,
      seriesOf(own),
      place * PANEL.width,
    );
  });
  const width = PANEL.width * whats.length;
  const { height } = PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

/** Ours first, then the control, then the others; a series has a point at each size where it was measured. */
function seriesOf(figures: readonly Figure[]): Series[] {
  const byName = new Map<string, { points: Point[]; dashed: boolean }>();
  const add = (name: string, size: number, cost: number, dashed = false): void => {
    const series = byName.get(name) ?? { points: [], dashed };
    series.points.push({ size, cost });
    byName.set(name, series);
  };
  for (const { size, ours, control, others = [] } of figures) {
    add('ddl-fanout', size, ours.median);
    if (control !== undefined) add(control.name, size, control.cost.median);
    for (const { name, cost, constant } of others) add(name, size, cost.median, constant);
  }
  return [...byName].map(([name, series]) => ({ name, ...series }));
}

function panelOf(title: string, axes: string, series: readonly Series[], x: number): string {
  const points = series.flatMap((each) => each.points);
  const across = scale(
    points.map(({ size }) => size),
    PANEL.left,
    PANEL.width - PANEL.right,
  );
  const up = scale(
    points.map(({ cost }) => cost),
    PANEL.height - PANEL.bottom,
    PANEL.top,
  );
  const bottom = PANEL.height - PANEL.bottom;
  const right = PANEL.width - PANEL.right;
  const ticks = [
    ...across.ticks.map((tick) => text(across.at(tick), bottom + 16, tick.toLocaleString('en'), 'middle')),
    ...up.ticks.flatMap((tick) => [
      `<line x1="${PANEL.left}" x2="${right}" y1="${num(up.at(tick))}" y2="${num(up.at(tick))}" stroke="#ddd"/>`,
      text(PANEL.left - 6, up.at(tick) + 4, tick.toLocaleString('en'), 'end'),
    ]),
  ];
  return [
    `<g transform="translate(${x} 0)">`,
    text(PANEL.left, 18, title, 'start', ' font-weight="bold"'),
    ...ticks,
    text((PANEL.left + right) / 2, bottom + 34, axes, 'middle'),
    ...series.map((each) => lineOf(each, across.at, up.at)),
    ...labelsOf(series, up.at),
    '</g>',
  ].join('\n');
}

function lineOf({ name, points, dashed }: Series, x: (size: number) => number, y: (cost: number) => number): string {
  const colour = colourOf(name);
  const path = points.map(({ size, cost }) => `${num(x(size))},${num(y(cost))}`).join(' ');
  const dots = points.map(
    ({ size, cost }) => `<circle cx="${num(x(size))}" cy="${num(y(cost))}" r="2.5" fill="${colour}"/>`,
  );
  const style = `stroke="${colour}" stroke-width="${name === 'ddl-fanout' ? 2.5 : 1.5}"${dashed ? ' stroke-dasharray="4 3"' : ''}`;
  return [`<polyline points="${path}" fill="none" ${style}/>`, ...dots].join('');
}

/** Names beside the last points, moved apart so that they can be read. */
function labelsOf(series: readonly Series[], y: (cost: number) => number): string[] {
  const labels = series
    .map(({ name, points }) => ({ name, y: y(points.at(-1)?.cost ?? 1) + 4 }))
    .sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; i++) {
    const [above, here] = [labels[i - 1], labels[i]];
    if (above !== undefined && here !== undefined) here.y = Math.max(here.y, above.y + 12);
  }
  const x = PANEL.width - PANEL.right + 8;
  return labels.map((label) => text(x, label.y, label.name, 'start', ` fill="${colourOf(label.name)}"`));
}

/** A logarithmic scale from whole power of ten to whole power of ten. */
function scale(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const at = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { at, ticks };
}

function colourOf(name: string): string {
  return COLOURS.get(name) ?? OTHER_COLOUR;
}

function text(x: number, y: number, content: string, anchor: string, more = ''): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${num(x)}" y="${num(y)}" text-anchor="${anchor}"${more}>${escaped}</text>`;
}

function num(value: number): string {
  return value.toFixed(1);
}

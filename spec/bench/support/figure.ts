/** A median with its quartiles. */
export interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** What one contender took, per operation. */
export interface Cost {
  readonly name: string;
  readonly cost: Spread;
  /** A figure from elsewhere, not measured in this run. */
  readonly constant?: boolean | undefined;
  /** Ours under other circumstances, and so no contender. */
  readonly own?: boolean | undefined;
}

/** Most that a figure may be, to be what it is meant to be. */
export interface Target {
  readonly of: 'ratio' | 'cost';
  readonly atMost: number;
}

/** One line of the table. */
export interface Figure {
  /** What is measured; the same at each size. */
  readonly what: string;
  /** Where it stands on the plot's axis: sessions, or whatever the group says. */
  readonly size: number;
  /** `ns`, `bytes` ... */
  readonly unit: string;
  readonly ours: Spread;
  readonly control?: Cost | undefined;
  /** Ours over the control, round by round. */
  readonly ratio?: Spread | undefined;
  readonly target?: Target | undefined;
  readonly others?: readonly Cost[] | undefined;
  /** A fact that was counted, not timed. */
  readonly note?: string | undefined;
  /** A second aim that was missed, in words. */
  readonly missed?: string | undefined;
}

export interface GroupOptions {
  /** Multiplies the number of rounds; 1 is quick. */
  readonly effort: number;
}

/** What belongs on one plot. A file `spec/bench/<name>.ts` exports one as `group`. */
export interface Group {
  readonly name: string;
  readonly title: string;
  /** What one operation is, and how it was measured: a sentence or two. */
  readonly about: string;
  /** What `size` counts; default: sessions. */
  readonly axis?: string | undefined;
  /** Drawn by `--plot`; default true. */
  readonly plotted?: boolean | undefined;
  run(options: GroupOptions): Promise<readonly Figure[]>;
}

export const SIZES = [1_000, 10_000, 100_000] as const;

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => {
    const place = part * (sorted.length - 1);
    const below = sorted[Math.floor(place)] ?? NaN;
    const above = sorted[Math.ceil(place)] ?? NaN;
    return below + (above - below) * (place % 1);
  };
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

/** Quotients round by round: what slows a whole round down falls out. */
export function ratioOf(ours: readonly number[], control: readonly number[]): Spread {
  return spreadOf(ours.map((cost, round) => cost / (control[round] ?? NaN)));
}

export function meets({ target, ratio, ours }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return ((target.of === 'ratio' ? ratio?.median : ours.median) ?? NaN) <= target.atMost;
}

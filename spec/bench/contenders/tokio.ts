import type { Cost } from '../support/figure.js';

/**
 * The original, in Rust: `mpsc::try_send` to each session on tokio. These were measured on another day, 2 noisy cores, and are
 * a line to look at, no control. What plain arrays and a loop took beside it tells how fast that machine was.
 */
const FIGURES = {
  queued: { 1_000: 109, 10_000: 575, 100_000: 1_284 },
  full: { 1_000: 26, 10_000: 41, 100_000: 203 },
  idle: { 1_000: 1_537, 10_000: 1_537, 100_000: 1_537 },
} as const;

/** Enqueueing and draining by plain arrays and a loop, in the run that `queued` is from. */
const FLOOR: Readonly<Record<number, number>> = { 1_000: 20, 10_000: 21, 100_000: 39 };

/** How many times as long as plain arrays and a loop it took to enqueue and drain. */
export function tokioInFloors(size: number): number {
  return ((FIGURES.queued as Readonly<Record<number, number>>)[size] ?? NaN) / (FLOOR[size] ?? NaN);
}

export function tokio(what: keyof typeof FIGURES, size: number): readonly Cost[] {
  const figure = (FIGURES[what] as Readonly<Record<number, number>>)[size];
  if (figure === undefined) return [];
  return [{ name: 'tokio (constant)', cost: { low: figure, median: figure, high: figure }, constant: true }];
}

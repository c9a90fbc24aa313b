import type { Cost } from '../support/figure.js';

/**
 * The original, in Rust: `mpsc::try_send` to each session on tokio. These were measured on another day, 2 noisy cores, and are
 * a line to look at, no control.
 */
const FIGURES = {
  queued: { 1_000: 109, 10_000: 575, 100_000: 1_284 },
  full: { 1_000: 26, 10_000: 41, 100_000: 203 },
  idle: { 1_000: 1_537, 10_000: 1_537, 100_000: 1_537 },
} as const;

export function tokio(what: keyof typeof FIGURES, size: number): readonly Cost[] {
  const figure = (FIGURES[what] as Readonly<Record<number, number>>)[size];
  if (figure === undefined) return [];
  return [{ name: 'tokio (constant)', cost: { low: figure, median: figure, high: figure }, constant: true }];
}

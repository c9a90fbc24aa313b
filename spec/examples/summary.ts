export interface Row {
  /** Where there are several. */
  readonly node: string | undefined;
  readonly offered: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly superseded: number;
  readonly waiting: number;
  readonly same: string;
}

/** The rows of the summary that `npm start` prints, by session. */
export function summaryOf(stdout: string): ReadonlyMap<string, Row> {
  const row =
    /^(\S+)(?: +(node-\d+))? +live +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +\d+ of \d+ +(yes|no) +[\d.]+ +[\d.]+ +[\d.]+$/gm;
  return new Map(
    Array.from(stdout.matchAll(row), (cells) => {
      const [, name = '', node, offered, delivered, dropped, superseded, waiting, same = ''] = cells;
      const counts = {
        offered: Number(offered),
        delivered: Number(delivered),
        dropped: Number(dropped),
        superseded: Number(superseded),
        waiting: Number(waiting),
      };
      return [name, { node, ...counts, same }];
    }),
  );
}

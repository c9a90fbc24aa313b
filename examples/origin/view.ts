import type { WriteStream } from 'node:tty';

type Cell = string | number;

/** Lines of a table whose columns are as wide as they must be; numbers stand on the right. */
export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => String(row[column] ?? '').length)));
  const onTheRight = head.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const line = (row: readonly Cell[]): string =>
    row
      .map((cell, column) =>
        onTheRight[column] ? String(cell).padStart(widths[column] ?? 0) : String(cell).padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}

/** `####----  12/34` */
export function barOf(done: number, all: number, width = 40): string {
  const filled = all === 0 ? width : Math.round((done / all) * width);
  return `${'#'.repeat(filled)}${'-'.repeat(width - filled)}  ${done}/${all}`;
}

/** Progress: redrawn in place on a terminal, a plain line per tenth of the way elsewhere. */
export class ProgressView {
  #drawn = 0;
  #tenths = -1;

  constructor(private readonly out: WriteStream | NodeJS.WriteStream) {}

  show(done: number, all: number, table: () => string[]): void {
    if (this.out.isTTY) this.#redraw([barOf(done, all), '', ...table()]);
    else this.#line(done, all);
  }

  #redraw(lines: readonly string[]): void {
    const width = this.out.columns || 80;
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    const most = Math.max(1, (this.out.rows || 24) - 1); // what scrolled away cannot be drawn over
    const shown = lines.slice(0, most).map((line) => line.slice(0, width - 1));
    this.out.write(`${up}\x1b[J${shown.join('\n')}\n`);
    this.#drawn = shown.length;
  }

  #line(done: number, all: number): void {
    const tenths = all === 0 ? 10 : Math.floor((done / all) * 10);
    if (tenths === this.#tenths) return;
    this.#tenths = tenths;
    this.out.write(`${done}/${all} statements\n`);
  }
}

import { functionOption } from '../options.js';
import type { Logger } from '../log.js';

/** One line of a log. */
export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly context?: object;
}

/**
 * A logger that writes nothing and keeps every line, in order: for specs that look at the log, or want it quiet.
 * @param told called after each line; default: nobody is told
 * @throws {FanoutError} BAD_OPTION when `told` is no function
 */
export function recordingLogger(
  told: (line: LogLine) => void = () => undefined,
): Logger & { readonly lines: LogLine[] } {
  functionOption('told', told);
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (message: string, context?: object) => {
    const line = { level, message, ...(context && { context }) };
    lines.push(line);
    told(line);
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

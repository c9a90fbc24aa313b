import type { Logger } from 'ddl-fanout';

/** A logger that keeps what it is told, and shows nothing. */
export class QuietLogger implements Logger {
  readonly lines: { level: keyof Logger; message: string; context?: object | undefined }[] = [];

  debug = (message: string, context?: object): void => void this.lines.push({ level: 'debug', message, context });
  info = (message: string, context?: object): void => void this.lines.push({ level: 'info', message, context });
  warn = (message: string, context?: object): void => void this.lines.push({ level: 'warn', message, context });
  error = (message: string, context?: object): void => void this.lines.push({ level: 'error', message, context });
}

import type { FanoutEvent, Logger } from 'ddl-fanout';

/** What the fan-out has to tell, kept until there is room on the screen for it. */
export class Notices implements Logger {
  readonly lines: string[] = [];

  event(event: FanoutEvent, name: string): void {
    if (event.type === 'overflow-began') this.lines.push(`${name} has overflowed`);
    if (event.type === 'overflow-ended') this.lines.push(`${name} has room again, ${event.lost} frames lost`);
    if (event.type === 'caught-up') this.lines.push(`${name} is at the head, frame ${event.sequence}`);
    if (event.type === 'ended') this.lines.push(`${name} has ended: ${event.reason}`);
  }

  debug = (): void => undefined;
  info = (): void => undefined;
  warn = (message: string): void => void this.lines.push(`warning: ${message}`);
  error = (message: string): void => void this.lines.push(`error: ${message}`);
}

import { describe, expect, it } from '@jest/globals';

/** A server program that specs start themselves, where the machine has it. */
export interface ServerProgram {
  /** What is missing when it is not there, as a reader would say it. */
  readonly name: string;
  /** How to get it. */
  readonly remedy: string;
  readonly available: boolean;
}

/**
 * `describe` for specs that need a real server. Without it they are left out, and that is said: by a spec whose title
 * names what is missing, and which `leftOutReporter.mjs` repeats at the end. With `DDL_FANOUT_REQUIRE_SERVERS=1` in the
 * environment, as in CI, that spec fails.
 */
export function describeWith({ name, remedy, available }: ServerProgram, title: string, body: () => void): void {
  if (available) {
    describe(title, body);
    return;
  }
  const missing = `is left out: there is no ${name} here (${remedy})`;
  describe(title, () => {
    it(missing, () => {
      expect(process.env['DDL_FANOUT_REQUIRE_SERVERS']).not.toBe('1');
    });
  });
}

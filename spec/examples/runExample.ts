import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** What it reads from its standard input, which then ends. Default: it stays open, and empty. */
  readonly input?: string | undefined;
  /** Is sent SIGINT when its output has this text. */
  readonly interruptAt?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** An example that is running. */
export interface Running {
  /** Resolves with all of its output so far when that has this text; rejects when it has ended without it. */
  until(text: string): Promise<string>;
  type(input: string): void;
  /** Types, and ends its input. */
  end(input: string): void;
  interrupt(): void;
  readonly ended: Promise<Run>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Starts `examples/<name>` as a user does. */
export function startExample(name: string, args: readonly string[] = [], env: RunOptions['env'] = {}): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}`, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const look of looks) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, stdout, stderr }));
  return {
    ended,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stdout.includes(text)) return;
          looks.delete(look);
          resolve(stdout);
        };
        looks.add(look);
        look();
        void ended.then(() => {
          reject(new Error(`ended without "${text}":\n${stdout}\n${stderr}`));
        });
      }),
    type: (input) => child.stdin.write(input),
    end: (input) => child.stdin.end(input),
    interrupt: () => child.kill('SIGINT'),
  };
}

/** Runs `examples/<name>` as a user does, and resolves when it has exited. */
export async function runExample(name: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Run> {
  const { input, interruptAt, env } = options;
  const running = startExample(name, args, env);
  const interrupt = (): void => {
    running.interrupt();
  };
  if (input !== undefined) running.end(input);
  // One that ends before is told by what it ended with.
  if (interruptAt !== undefined) running.until(interruptAt).then(interrupt, () => undefined);
  return running.ended;
}

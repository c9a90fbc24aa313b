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
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `examples/<name>` as a user does, and resolves when it has exited. */
export async function runExample(name: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Run> {
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}`, ...args], { cwd: root });
  let stdout = '';
  let stderr = '';
  let interrupted = false;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (interrupted || options.interruptAt === undefined || !stdout.includes(options.interruptAt)) return;
    interrupted = true;
    child.kill('SIGINT');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  if (options.input !== undefined) child.stdin.end(options.input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

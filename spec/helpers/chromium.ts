import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import type { ServerProgram } from './servers.js';

const PROGRAM = '/usr/bin/chromium';

export const chromiumProgram: ServerProgram = {
  name: 'Chromium',
  remedy: 'apt-get install chromium',
  available: existsSync(PROGRAM),
};

/** A page of a headless Chromium with an empty profile that talks to nobody by itself. */
export async function openPage(): Promise<{ page: Page; close: () => Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), 'ddl-fanout-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: PROGRAM,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const close = async (): Promise<void> => {
    await context.close();
    await rm(profile, { recursive: true });
  };
  return { page, close };
}

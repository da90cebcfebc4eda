import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

export const launch = () =>
  chromium.launch({
    // It takes half the processor time of the browser with its user interface.
    executablePath:
      process.env.CHROMIUM || execFileSync('which', ['chromium-headless-shell'], { encoding: 'utf8' }).trim(),
    args: [
      // The sandbox does not work for root.
      ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

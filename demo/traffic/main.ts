/**
 * `node demo/traffic/main.ts --rate N`: load on a running stack until SIGINT or SIGTERM. Finds the
 * services in RELINK_PEERS, which `npm start -- --traffic N` sets.
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { baseConfigProperties, loadConfig } from '../../runtime/config.ts';
import { endSignal } from '../../runtime/endSignal.ts';
import { messageOf } from '../../runtime/errors.ts';
import { repeat } from '../../runtime/wake.ts';
import { PUBLIC_SERVICES, type PublicAddresses } from './caller.ts';
import { History } from './history.ts';
import type { LatencyWindow } from './latencies.ts';
import { Traffic } from './traffic.ts';

const USAGE = 'usage: node demo/traffic/main.ts --rate N   (requests a second)';
const EXIT_USAGE = 2;
const MAX_RATE = 10_000;
const LOG_EVERY_MS = 10_000;
/** Records of each kind: days of traffic take some 50 MB. */
const MAX_KEPT = 20_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

function readRate(args: string[]): number {
  const { values } = parseArgs({ args, options: { rate: { type: 'string', default: '100' } } });
  const rate = Number(values.rate);
  if (Number.isInteger(rate) && rate > 0 && rate <= MAX_RATE) return rate;
  throw new RangeError(`--rate takes a whole number from 1 to ${MAX_RATE}, not "${values.rate}"`);
}

function readAddresses(): PublicAddresses {
  const { peers } = loadConfig({ peers: baseConfigProperties.peers });
  const missing = PUBLIC_SERVICES.filter((name) => !peers[name]?.length);
  if (missing.length > 0)
    throw new RangeError(`RELINK_PEERS names no address of ${missing.join(', ')}`);
  return Object.fromEntries(
    PUBLIC_SERVICES.map((name) => [name, peers[name] ?? []]),
  ) as unknown as PublicAddresses;
}

function describe(traffic: Traffic, window: LatencyWindow): string {
  const { requests, failed, repeated, shed, not_yet: notYet } = traffic.counts;
  const { p50Ms, p99Ms } = window.close();
  const [worst] = traffic.errors;
  return (
    `${requests} requests, ${failed} failed, ${notYet} too early, ${repeated} retried, ${shed} not sent; ` +
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms` +
    (worst ? `; ${worst[0]} (${worst[1]} times)` : '')
  );
}

async function run(traffic: Traffic): Promise<void> {
  let window = traffic.latencies.openWindow();
  const logging = repeat(
    LOG_EVERY_MS,
    () => {
      if (traffic.counts.requests === 0) return;
      say(describe(traffic, window));
      window = traffic.latencies.openWindow();
    },
    (error) => say(String(error)),
  );
  traffic.start();
  await once(endSignal(), 'abort');
  await Promise.all([logging.stop(), traffic.close()]);
  say(describe(traffic, window));
}

async function main(args: string[]): Promise<number> {
  try {
    const ratePerSecond = readRate(args);
    const history = new History(MAX_KEPT);
    await run(new Traffic({ addresses: readAddresses(), ratePerSecond, history }));
    return 0;
  } catch (error) {
    say(`${messageOf(error)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
}

process.exitCode = await main(process.argv.slice(2));

/**
 * `node demo/traffic/main.ts --rate N`: stand-in load on a running stack until it is told to end. Finds
 * the services in RELINK_PEERS, which `npm start -- --traffic N` sets.
 */
import { parseArgs } from 'node:util';
import { Type } from 'typebox';
import { baseConfigProperties, loadConfig } from '../../runtime/config.ts';
import { repeat } from '../../runtime/wake.ts';
import { CALLED_SERVICES, type CalledAddresses } from './caller.ts';
import { Told } from './history.ts';
import type { LatencyWindow } from './latencies.ts';
import { Traffic } from './traffic.ts';

const USAGE = 'usage: node demo/traffic/main.ts --rate N   (requests a second)';
const EXIT_USAGE = 2;
const MAX_RATE = 10_000;
const SAY_EVERY_MS = 10_000;
/** Of every kind of thing, so that days of traffic take some 50 MB and not all there is. */
const MAX_KEPT = 20_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

function readRate(args: string[]): number {
  const { values } = parseArgs({ args, options: { rate: { type: 'string', default: '100' } } });
  const rate = Number(values.rate);
  if (Number.isInteger(rate) && rate > 0 && rate <= MAX_RATE) return rate;
  throw new RangeError(`--rate takes a whole number from 1 to ${MAX_RATE}, not "${values.rate}"`);
}

function readAddresses(): CalledAddresses {
  const { peers } = loadConfig(Type.Object({ peers: baseConfigProperties.peers }));
  const missing = CALLED_SERVICES.filter((name) => !peers[name]?.length);
  if (missing.length > 0)
    throw new RangeError(`RELINK_PEERS names no address of ${missing.join(', ')}`);
  return Object.fromEntries(
    CALLED_SERVICES.map((name) => [name, peers[name] ?? []]),
  ) as unknown as CalledAddresses;
}

function describe(traffic: Traffic, window: LatencyWindow): string {
  const { requests, failed, repeated, shed, not_yet: notYet } = traffic.counts;
  const { p50Ms, p99Ms } = window.close();
  const [worst] = traffic.errors;
  return (
    `${requests} requests, ${failed} failed, ${notYet} too early, ${repeated} repeated, ${shed} not sent; ` +
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms` +
    (worst ? `; ${worst[0]} (${worst[1]} times)` : '')
  );
}

async function run(traffic: Traffic): Promise<void> {
  let window = traffic.latencies.openWindow();
  const telling = repeat(
    SAY_EVERY_MS,
    () => {
      if (traffic.counts.requests === 0) return;
      say(describe(traffic, window));
      window = traffic.latencies.openWindow();
    },
    (error) => say(String(error)),
  );
  traffic.start();
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await Promise.all([telling.stop(), traffic.close()]);
  say(describe(traffic, window));
}

async function main(args: string[]): Promise<number> {
  try {
    const ratePerSecond = readRate(args);
    const told = new Told(MAX_KEPT);
    await run(new Traffic({ addresses: readAddresses(), ratePerSecond, told }));
    return 0;
  } catch (error) {
    say(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
}

process.exitCode = await main(process.argv.slice(2));

/**
 * Two processes of each service, restarted one after another while callers live the business and
 * routes flip between calls and events on every link that may be moved.
 */
import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { SERVICES } from '../../dev/services.ts';
import { readEnvironment } from '../../runtime/environment.ts';
import { companyOracle } from '../rigs/oracle/companyOracle.ts';
import { randomFrom, seedOf } from '../rigs/random.ts';
import { Callers } from './callers.ts';
import { REPLICAS, startRolling, untilLanesAreShared } from './company.ts';
import { Flips } from './flips.ts';

const CALLERS = 4;
/** Ten restarts, and an oracle over every link. */
const longer = { timeout: 900_000 };

const rolling = await startRolling({ after });

describe('a rolling restart of every service under traffic and flips', () => {
  after(() => rolling.fleet.stop());

  test('fails no request and loses, doubles and reorders nothing', longer, async (t) => {
    await roll(t, async (name) => {
      const program = rolling.fleet.program(name);
      await program.stop();
      // Within its own limit: calls under way ended, lanes were given back, nobody killed it.
      assert.match(await program.lastLines(1), /"exitCode":0.*"msg":"stopped"/);
      await program.start();
    });
  });

  test(
    'by kill -9 fails no request that is repeated and loses, doubles and reorders nothing',
    longer,
    (t) => roll(t, (name) => rolling.fleet.killAndRestart(name)),
  );
});

/** Two services at once, as many as there are cores; never both processes of one. */
function rounds(): string[][] {
  const services = SERVICES.map(({ name }) => name);
  const replicas = Array.from({ length: REPLICAS }, (_, i) => i + 1);
  return replicas.flatMap((replica) => {
    const names = services.map((service) => `${service}-${replica}`);
    return [names.slice(0, 2), names.slice(2, 4), names.slice(4)];
  });
}

async function roll(t: TestContext, restart: (name: string) => Promise<void>): Promise<void> {
  const { company, fleet } = rolling;
  const seed = seedOf(readEnvironment('RELINK_TEST_SEED'));
  t.diagnostic(`seed ${seed}: repeat with RELINK_TEST_SEED=${seed}`);
  await untilLanesAreShared(rolling);
  const callers = new Callers(fleet.addresses, CALLERS);
  const flips = new Flips(company, randomFrom(seed));
  try {
    for (const names of rounds()) await Promise.all(names.map(restart));
  } finally {
    await flips.stop();
    await callers.stop();
  }
  assert.deepEqual(callers.failures, []);
  await untilLanesAreShared(rolling);
  await companyOracle(company);
  const { requests, slowestMs } = callers;
  t.diagnostic(
    `${requests} requests, the slowest ${Math.round(slowestMs)} ms; ` +
      `${fleet.names.length} restarts, ${flips.count} flips: nothing lost`,
  );
}

/** Processes die in every crash window of the protocol, and a frozen one wakes up as a zombie. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ALL_LANES } from '../../link/link.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { Fleet } from '../rigs/processes/fleet.ts';

const LINK = 'COMM-010';
const KEYS = 24;
const WRITE_EVERY_MS = 5;
const patient = { withinMs: 120_000, everyMs: 50 };

/** Crash windows by the process that has them, with the hit at which it dies. */
const WINDOWS: readonly (readonly [service: string, failpoint: string, hit: number])[] = [
  ['assessments', 'relay.after-read', 20],
  ['assessments', 'relay.after-call', 15],
  ['assessments', 'relay.after-publish', 3],
  ['assessments', 'relay.before-adopt', 2],
  ['assessments', 'relay.after-adopt', 2],
  ['hiring', 'inbox.before-effect', 8],
  ['hiring', 'inbox.before-commit', 8],
  ['hiring', 'inbox.after-commit', 8],
];

describe('a process killed at a crash window', { concurrency: 2 }, () => {
  for (const [service, failpoint, hit] of WINDOWS)
    test(`at ${failpoint} costs and doubles nothing`, (t) => dieAt(t, service, failpoint, hit));
});

async function dieAt(t: TestContext, service: string, failpoint: string, hit: number) {
  const company = await InProcessCompany.start(t, { link: LINK, elsewhere: [service] });
  const env = { [service]: { RELINK_FAILPOINTS: `${failpoint}=kill@${hit}` } };
  const fleet = await Fleet.start(t, company, { replicas: { [service]: 1 }, env });
  const program = fleet.program(`${service}-1`);
  const writing = company.writeContinuously(someKeys(KEYS), 2, WRITE_EVERY_MS);
  // Both routes are used, and adopted, so that every window is passed.
  for (const consumer of company.consumers)
    await company.flip(
      consumer,
      ALL_LANES.filter((lane) => lane % 2 === 0),
      'async',
      true,
    );
  await until(() => !program.isRunning, { ...patient, what: `it dies at ${failpoint}` });
  await fleet.restartWithout(`${service}-1`, 'RELINK_FAILPOINTS');
  await writing.stop();
  await company.oracle();
}

test('a relay that was frozen past its lease cannot close or re-open anything', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, elsewhere: ['assessments'] });
  const fleet = await Fleet.start(t, company, { replicas: { assessments: 2 } });
  const writing = company.writeContinuously(someKeys(KEYS), 2, WRITE_EVERY_MS);
  await untilOwners(company, ['assessments-1', 'assessments-2']);
  fleet.freeze('assessments-1');
  await untilOwners(company, ['assessments-2']);
  // The lanes move on while the zombie sleeps with rows in flight by the old route.
  for (const consumer of company.consumers) {
    await company.flip(consumer, ALL_LANES, 'async', true);
    await company.waitUntilAdopted(consumer);
  }
  fleet.thaw('assessments-1');
  await untilOwners(company, ['assessments-1', 'assessments-2']);
  await writing.stop();
  await company.oracle();
});

test('lanes of a killed process go on in another one before its leases could end', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, elsewhere: ['assessments'] });
  const fleet = await Fleet.start(t, company, { replicas: { assessments: 2 } });
  const writing = company.writeContinuously(someKeys(KEYS), 2, WRITE_EVERY_MS);
  await untilOwners(company, ['assessments-1', 'assessments-2']);
  await company.producer`update relink.lanes
    set expires_at = clock_timestamp() + interval '7 s' where owner = 'assessments-1'`;
  await fleet.program('assessments-1').kill();
  await untilOwners(company, ['assessments-2'], 5_000);
  await writing.stop();
  await company.oracle();
});

async function untilOwners(
  company: InProcessCompany,
  wanted: readonly string[],
  withinMs = patient.withinMs,
): Promise<void> {
  await until(
    async () => {
      const rows = await company.producer<{ owner: string }[]>`
        select distinct owner from relink.lanes where expires_at > clock_timestamp()
        order by owner`;
      assert.deepEqual(
        rows.map((row) => row.owner),
        wanted,
      );
      return true;
    },
    { ...patient, withinMs, what: `lanes are owned by ${wanted}` },
  );
}

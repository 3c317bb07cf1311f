/**
 * Two links carry states of one entity: COMM-020 its creation, COMM-021 its changes. A change that
 * overtakes the creation, on another link and by another transport, must not hurt.
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Transport } from '../../link/link.ts';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { setListening } from '../../link/transport/jetStream/listening.ts';
import { splitAddress } from '../../runtime/address.ts';
import {
  assessmentCreated,
  assessmentUpdated,
  changeAssessment,
  writeAssessment,
} from '../../services/assessments/domain/assessment.ts';
import { registerManager } from '../../services/assessments/domain/manager.ts';
import {
  insertAssessment,
  lockAssessment,
  saveAssessment,
} from '../../services/assessments/store/assessments.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { links as map } from '../../services/links.ts';
import { type FaultProxy, startProxy } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import type { FormalFixture } from '../rigs/fixtures/fixture.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { oracle } from '../rigs/oracle/linkOracle.ts';
import { pauseConsuming } from './losses.ts';

const CREATED = 'COMM-020';
const UPDATED = 'COMM-021';
const AUTHOR = '018f0000-0000-7000-8000-000000000001';
const ASSESSMENTS = 30;
const CHANGES = 3;
const WITHIN_MS = 60_000;

describe('an AssessmentUpdated that overtakes its AssessmentCreated', { concurrency: 2 }, () => {
  for (const transport of ['sync', 'async'] as const)
    test(`by ${transport}, past events that nobody consumes, leaves the newest version`, async (t) => {
      const company = await start(t, 'async', transport);
      await pauseConsuming(t, company, CREATED);
      const keys = await writeAll(company);
      await untilNewest(company);
      await refuseCreations(company);
      await setListening(company.sqlOf.get('hiring')!, CREATED, true);
      await end(company, keys);
    });

  test('by async, past calls that nobody answers, leaves the newest version', async (t) => {
    const ways: FaultProxy[] = [];
    const company = await start(t, 'sync', 'async', async (address) => {
      const way = await startProxy(t, { port: splitAddress(address)!.port });
      await way.refuse();
      ways.push(way);
      return way.address;
    });
    const keys = await writeAll(company);
    await untilNewest(company);
    await refuseCreations(company);
    for (const way of ways) await way.restore();
    await end(company, keys);
  });
});

function start(
  t: TestContext,
  created: Transport,
  updated: Transport,
  toHiring?: (address: string) => Promise<string>,
): Promise<InProcessCompany> {
  return InProcessCompany.start(t, {
    link: CREATED,
    transport: created,
    beside: { [UPDATED]: updated },
    address: (service, address) =>
      (service === 'hiring' ? toHiring?.(address) : undefined) ?? address,
  });
}

/** Each assessment is created and changed, each time in a transaction of its own. */
async function writeAll(company: InProcessCompany): Promise<string[]> {
  const { producer, links } = company;
  const keys = someKeys(ASSESSMENTS);
  await producer.begin((tx) =>
    insertManager(tx, registerManager(AUTHOR, { firstName: 'Emmy', lastName: 'N' }, new Date())),
  );
  for (const key of keys) {
    const draft = { authorId: AUTHOR, title: '[Algebra] Groups', exercises: [] };
    await producer.begin(async (tx) => {
      const written = writeAssessment(key, draft, new Date());
      assert.ok(await insertAssessment(tx, map, written));
      await enqueue(tx, links[CREATED]!, [assessmentCreated(written)]);
    });
    for (let i = 1; i <= CHANGES; i += 1)
      await producer.begin(async (tx) => {
        const known = (await lockAssessment(tx, key))!;
        const changed = changeAssessment(known, { title: `[Algebra] Rings ${i}` }, new Date());
        await saveAssessment(tx, map, changed);
        await enqueue(tx, links[UPDATED]!, [assessmentUpdated(changed)]);
      });
  }
  return keys;
}

async function untilNewest(company: InProcessCompany): Promise<void> {
  const hiring = company.sqlOf.get('hiring')!;
  await until(
    async () => {
      const [row] = await hiring<{ newest: number }[]>`
        select count(*)::int as newest from assessment_replicas where version = ${CHANGES + 1}`;
      return row!.newest === ASSESSMENTS;
    },
    { withinMs: WITHIN_MS, what: 'the changes are at hiring' },
  );
}

/** The changes came first, or the test would prove nothing. */
async function refuseCreations(company: InProcessCompany): Promise<void> {
  const settled = await company.sqlOf.get('hiring')!`
    select from relink.inbox where link = ${CREATED}`;
  assert.equal(settled.length, 0, 'every creation is still on its way');
}

/** The creations come after all, every one too late; then the oracle looks at both links. */
async function end(company: InProcessCompany, keys: readonly string[]): Promise<void> {
  const hiring = company.sqlOf.get('hiring')!;
  const { producer, links } = company;
  const fixture = company.fixture as FormalFixture;
  const toldBy = {
    [CREATED]: 'select id::text as key, 1::int8 as version from assessments',
    [UPDATED]: `select id::text as key, v as version from assessments
      cross join lateral generate_series(2, version) v`,
  };
  for (const [id, intents] of Object.entries(toldBy))
    await oracle({
      link: links[id]!,
      fixture: { ...fixture, intents },
      producer,
      consumers: { hiring },
    });
  const outcomes = await hiring<{ outcome: string; count: number }[]>`
    select outcome, count(*)::int as count from relink.inbox where link = ${CREATED} group by outcome`;
  assert.deepEqual(
    outcomes.map((row) => ({ ...row })),
    [{ outcome: 'superseded', count: keys.length }],
  );
}

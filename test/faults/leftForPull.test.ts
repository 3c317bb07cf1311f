/** A lane is left for `pull` at once, while messages of its old route are on their way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_LANES } from '../../link/link.ts';
import { setListening } from '../../link/transport/jetStream/listening.ts';
import { readConsumer } from '../../link/transport/jetStream/provision.ts';
import type { Database } from '../../runtime/postgres.ts';
import { pauseConsuming } from '../conformance/losses.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { flipRoute } from '../rigs/inProcess/routes.ts';

const RATINGS = 'COMM-060';
const DELIVERED = 40;
const ON_THEIR_WAY = 40;
const patient = { withinMs: 120_000 };

test('what the old route delivered counts there, and what comes later has no effect', async (t) => {
  const company = await InProcessCompany.start(t, { link: RATINGS, transport: 'async' });
  const bonuses = company.sqlOf.get('bonuses')!;
  const isClosed = async () => (await company.countOpen()) === 0;
  const before = await company.countStored();
  for (const key of someKeys(DELIVERED)) await company.write(key);
  await until(isClosed, { ...patient, what: 'the first messages are settled' });
  const manager = await pauseConsuming(t, company, RATINGS);
  for (const key of someKeys(ON_THEIR_WAY)) await company.write(key);
  const isStored = async () => (await company.countStored()) === before + DELIVERED + ON_THEIR_WAY;
  await until(isStored, { ...patient, what: 'the others are in the stream' });

  const leg = { link: company.link, consumer: 'bonuses', lanes: ALL_LANES };
  await flipRoute(company.producer, { ...leg, transport: 'pull', hold: false });
  await until(isClosed, { ...patient, what: 'no row is left' });
  await setListening(bonuses, RATINGS, true);
  await until(
    async () => {
      const info = await readConsumer(manager, RATINGS, 'bonuses');
      return info?.num_pending === 0 && info.num_ack_pending === 0;
    },
    { ...patient, what: 'the stream is consumed' },
  );
  const there = await settled(bonuses);
  assert.equal(there.count, DELIVERED);
  assert.deepEqual(await closed(company), there);
  const [row] = await bonuses<{ count: number }[]>`
    select count(*)::int as count from rating_replicas`;
  assert.equal(row!.count, DELIVERED, 'nothing came after the fence');
});

/** What the certificates of the leg would add up on either side. */
async function settled(bonuses: Database) {
  const [row] = await bonuses<{ count: number; sum: string }[]>`
    select count(*)::int as count, sum(hash)::text as sum from relink.inbox where link = ${RATINGS}`;
  return { ...row! };
}

async function closed({ producer }: InProcessCompany) {
  const [row] = await producer<{ count: number; sum: string }[]>`
    select sum(count)::int as count, sum(sum)::text as sum from relink.closed
    where leg = ${`${RATINGS}/bonuses`}`;
  return { ...row! };
}

/** COMM-060 by `pull`: bonuses asks hiring for the rating when it computes a bonus. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { ALL_LANES } from '../../link/link.ts';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { changeReading } from '../../link/pull/readings.ts';
import { setListening } from '../../link/transport/jetStream/listening.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { BASE_BONUS_MINOR } from '../../services/bonuses/domain/booking.ts';
import { pauseConsuming } from '../conformance/losses.ts';
import { until } from '../harness/until.ts';
import type { FunctionalFixture } from '../rigs/fixtures/fixture.ts';
import { fixtureOf } from '../rigs/fixtures/fixtureOf.ts';
import { ASSESSMENTS } from '../rigs/fixtures/functional.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { flipRoute, waitUntilAdopted } from '../rigs/inProcess/routes.ts';
import { oracle } from '../rigs/oracle/linkOracle.ts';
import { Fleet } from '../rigs/processes/fleet.ts';

const SOLUTIONS = 'COMM-040';
const RATINGS = 'COMM-060';
/** Solutions by the replica and again by the owner, and those that wait for hiring. */
const SOLVED = 60;
const WAITING = 60;
/** More than the attempts after which a message that fails is given up. */
const UNANSWERED_MIN = 25;
const patient = { withinMs: 120_000, everyMs: 20 };

test('events wait for an owner that is down, uncounted, and are credited by its ratings when it is back', async (t) => {
  const { company, fleet, bonuses, participant } = await start(t);
  await rate(company);
  await solve(company);
  await pull(company);
  await solve(company);
  const { asked, latencyP50Ms, latencyP99Ms } = await readings(participant);
  assert.ok(asked >= SOLVED, 'every bonus asked');

  await pauseConsuming(t, company, SOLUTIONS);
  const stored = await company.countStored();
  for (const key of someKeys(WAITING)) await company.write(key);
  await until(async () => (await company.countStored()) === stored + WAITING, {
    ...patient,
    what: 'every event is in the stream',
  });
  await fleet.program('hiring-1').kill();
  await setListening(bonuses, SOLUTIONS, true);
  await until(async () => (await readings(participant)).unanswered >= UNANSWERED_MIN, {
    ...patient,
    what: 'bonuses asked again and again',
  });
  assert.deepEqual(await standing(company), { bookings: 2 * SOLVED, attempts: 0, dead: 0 });

  await fleet.program('hiring-1').start();
  await judge(company);
  assert.deepEqual(await standing(company), {
    bookings: 2 * SOLVED + WAITING,
    attempts: 0,
    dead: 0,
  });
  t.diagnostic(
    `asking the owner adds ${latencyP50Ms.toFixed(1)} ms to an event (median), ` +
      `${latencyP99Ms.toFixed(1)} ms or less to 99 of 100`,
  );
});

async function start(t: TestContext) {
  const elsewhere = ['hiring', 'bonuses'];
  const beside = { [RATINGS]: 'async' } as const;
  const company = await InProcessCompany.start(t, {
    link: SOLUTIONS,
    transport: 'async',
    beside,
    elsewhere,
  });
  const fleet = await Fleet.start(t, company, { replicas: { hiring: 1, bonuses: 1 } });
  const participant = createRpcClient(LinkParticipant, company.addresses.get('bonuses')!);
  t.after(() => participant.close());
  return { company, fleet, participant, bonuses: company.sqlOf.get('bonuses')! };
}

/** Every assessment has results, another rating each, and bonuses has heard of all. */
async function rate(company: InProcessCompany): Promise<void> {
  const { act } = fixtureOf(RATINGS);
  for (const [i, assessment] of ASSESSMENTS.entries())
    for (let result = 0; result <= i; result += 1)
      await company.producer.begin(async (tx) => {
        const accepted = await act(tx, assessment, 'ok');
        await enqueue(tx, company.links[RATINGS]!, [accepted!]);
      });
  await untilClosed(company);
}

/** The route and whose value is read, as the engine sets them. */
async function pull(company: InProcessCompany): Promise<void> {
  const { producer, links, sqlOf } = company;
  const change = { link: RATINGS, lanes: ALL_LANES, reading: 'owner', expected: 0 } as const;
  await sqlOf.get('bonuses')!.begin((tx) => changeReading(tx, change));
  const leg = { link: links[RATINGS]!, consumer: 'bonuses', lanes: ALL_LANES };
  await flipRoute(producer, { ...leg, transport: 'pull', hold: true });
  await waitUntilAdopted(producer, `${RATINGS}/bonuses`);
}

async function solve(company: InProcessCompany): Promise<void> {
  await company.writeMany(SOLVED, someKeys(SOLVED));
  await untilClosed(company);
}

async function untilClosed(company: InProcessCompany): Promise<void> {
  const isClosed = async () => (await company.countOpen()) === 0;
  await until(isClosed, { ...patient, what: 'no outbox row of hiring is open' });
}

async function readings(participant: RpcClient<typeof LinkParticipant>) {
  const { unanswered, ...rest } = await participant.getReadings({ link: RATINGS, sinceUnixMs: 0n });
  return { ...rest, unanswered: Number(unanswered) };
}

async function standing(company: InProcessCompany) {
  const [row] = await company.sqlOf.get('bonuses')!`
    select (select count(*)::int from bookings) as bookings,
      (select count(*)::int from relink.attempts) as attempts,
      (select count(*)::int from relink.dead_letters) as dead`;
  return { ...row };
}

/** Every solution is credited by the rating that hiring has. */
async function judge(company: InProcessCompany): Promise<void> {
  const { link, producer, sqlOf } = company;
  const fixture: FunctionalFixture = {
    ...(company.fixture as FunctionalFixture),
    intended: `select concat_ws(' ', 'credit', id, author_id, rating * ${BASE_BONUS_MINOR / 100n})
      as effect from solutions join assessment_ratings using (assessment_id)`,
  };
  const consumers = { bonuses: sqlOf.get('bonuses')! };
  await oracle({ link, fixture, producer, consumers, unrecorded: ['bonuses'] });
}

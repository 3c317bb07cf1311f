/**
 * A database goes back in time in the middle of a move, under traffic: the consumer's, the operator's,
 * the producer's. A functional and a formal link move side by side; what can come back by itself does,
 * what is gone is named, and the runs end.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { createDatabase } from '../../dev/servers/databases.ts';
import type { Engine } from '../../migration/engine/engine.ts';
import { type DescribedLink, Participants } from '../../migration/participants.ts';
import type { RunWithSteps } from '../../migration/run/record.ts';
import { comparePage } from '../../operator/reconcile/handlers.ts';
import type { Difference } from '../../operator/reconcile/page.ts';
import { followPages } from '../../rpc/paging.ts';
import { connectNats } from '../../runtime/nats.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { privatePostgres } from '../harness/postgres.ts';
import { rememberMoment } from '../harness/timeMachine.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';
import { Desk } from '../rigs/processes/desk.ts';

/** What was opened last is closed first: servers after their clients. */
const opened: (() => unknown)[] = [];
const t = { after: (close: () => unknown) => void opened.unshift(close) };
after(async () => {
  for (const close of opened) await close();
});
const WRITE_EVERY_MS = 30;
/** What is written until a database returns to where it was before is what it loses. */
const LOST_MS = 500;
const SETTINGS = { retry_seconds: '30', error_rate_limit: '1', lag_limit_ms: '200' };

const [producers, consumers, operators] = await Promise.all([
  privatePostgres(t),
  privatePostgres(t),
  privatePostgres(t),
]);
const functional = await openMove('COMM-040');
const formal = await openMove('COMM-010');
const moves = [functional, formal];

/** A link of a company whose producer, consumers and operator are on the three servers. */
async function openMove(link: string) {
  const [producer, own] =
    link === 'COMM-040' ? ['hiring', ['bonuses']] : ['assessments', ['hiring', 'bonuses']];
  const servers = Object.fromEntries([
    [producer, producers],
    ...(own as string[]).map((name) => [name, consumers]),
  ]);
  const company = await InProcessCompany.start(t, { link, transport: 'sync', servers });
  const services = Object.fromEntries([...company.addresses].map(([name, at]) => [name, [at]]));
  const participants = new Participants(services);
  const nats = await connectNats(company.nats.url, { name: 'operator' });
  const url = await createDatabase(operators.url, `operator_${link.slice(-3)}`);
  await applyExpand(url, ['operator']);
  const sql = connectPostgres(url, { name: 'operator' });
  const engines = new Set<Engine>();
  const described = async (id: string): Promise<DescribedLink> => {
    const found = await until(
      async () => {
        const one = (await participants.topology()).links.get(id);
        return one?.consumers.size === one?.producer.consumers.length ? one : undefined;
      },
      { what: `all services of ${id} answer` },
    );
    return found!;
  };
  const desk = new Desk({ participants, nats: nats.connection, described, engines }, sql);
  desk.engine();
  const traffic = keepWriting(company);
  t.after(async () => {
    await traffic.stop();
    for (const engine of engines) await engine.stop();
    participants.close();
    await nats.close();
    await closePostgres(sql);
  });
  return { link, company, desk, participants, traffic, described };
}

type Move = Awaited<ReturnType<typeof openMove>>;

/** Business transactions that fail while a database is away are its callers' own. */
function keepWriting(company: InProcessCompany) {
  let isStopping = false;
  const keys: string[] = [];
  const running = (async () => {
    while (!isStopping) {
      const isNew = keys.length < 20 || company.link.kind === 'functional';
      const key = isNew ? randomUUID() : keys[keys.length % 20]!;
      await company.write(key).then(
        () => keys.push(key),
        () => undefined,
      );
      await pause(WRITE_EVERY_MS);
    }
  })();
  return {
    stop: async () => {
      isStopping = true;
      await running;
    },
  };
}

/** Both side by side; neither goes on alone after the other has failed. */
async function each<T>(work: (move: Move, at: number) => Promise<T>): Promise<T[]> {
  const ended = await Promise.allSettled(moves.map(work));
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

function start({ desk, link }: Move, to: string): Promise<string> {
  const consumer = link === 'COMM-010' ? 'hiring' : '';
  return desk.start({ link, to, consumer, isStepByStep: true, settings: SETTINGS });
}

/** Approves every step until the run waits before this one, waits for `complete`, is paused or has ended. */
async function goTo({ desk }: Move, runId: string, step = 'nothing'): Promise<RunWithSteps> {
  for (;;) {
    const current = await until(
      async () => {
        const now = (await desk.journal.read(runId).catch(() => undefined))!;
        return ['planned', 'running', 'rolling_back'].includes(now?.run.state ?? 'running')
          ? undefined
          : now;
      },
      { what: `run ${runId} stops`, withinMs: 90_000 },
    );
    const { state, waiting } = current!.run;
    if (state !== 'waiting' || waiting?.gate !== 'approve') return current!;
    if (waiting.threshold === `before ${step}`) return current!;
    await desk.order(runId, 'approve').catch(() => undefined);
  }
}

async function reconcile({ participants, described, link: id }: Move, isRepairing: boolean) {
  const link = await described(id);
  const found: Difference[] = [];
  for (const consumer of link.producer.consumers) {
    const of = { participants, link, consumer, sinceMs: 0, isRepairing, actor: 'ada' };
    const { entries } = await followPages(async (from: string | undefined) => {
      const { differences, next } = await comparePage(of, from ?? '');
      return { entries: differences, next: next || undefined };
    });
    found.push(...entries);
  }
  return found;
}

/** Resumes a run that a person has to, until it waits for `complete`. */
async function resumeToTheEnd(move: Move, runId: string, accept = ''): Promise<void> {
  await move.desk.order(runId, 'resume', '', accept);
  const { run } = await goTo(move, runId);
  assert.equal(run.waiting?.gate, 'complete', `${move.link}: ${run.state} ${run.problem}`);
}

async function complete(move: Move, runId: string): Promise<void> {
  await move.desk.order(runId, 'complete', move.link);
  const { run } = await goTo(move, runId);
  assert.equal(run.state, 'completed', run.problem);
}

async function epochs({ company }: Move): Promise<bigint[]> {
  const rows = await company.producer<{ epoch: bigint }[]>`
    select distinct epoch from relink.routes
    where leg = any(${['COMM-040/bonuses', 'COMM-010/hiring']}) order by epoch`;
  return rows.map(({ epoch }) => epoch);
}

/** What the services do by themselves is done; what waits for an earlier message of its key stays open. */
async function settled({ company }: Move): Promise<void> {
  const overdue = async () => {
    const [row] = await company.producer<{ overdue: number }[]>`
      select count(*)::int as overdue from relink.outbox
      where version = 1 and created_at < now() - interval '2 s'`;
    return row!.overdue;
  };
  await until(async () => (await overdue()) === 0, { what: 'messages settle', withinMs: 60_000 });
}

/** Repairs what can be repaired; answers what is left to a person. */
async function repair(move: Move): Promise<Difference[]> {
  const found = await reconcile(move, true);
  // Rows of a formal link heal by newer messages as well.
  if (move === functional) assert.ok(found.length > 0, 'something was lost');
  // A gap is a key that waits for what was just sent again.
  return found.filter(({ kind, done }) => kind !== 'gap' && !done);
}

test('a move ends although each of the three databases went back in the middle of it', async () => {
  const runs = await each((move) => start(move, 'async'));
  await each((move, at) => goTo(move, runs[at]!, 'route-quarter'));

  // The consumers lose what they settled in the meantime, by both routes.
  const ofConsumers = await rememberMoment(t, consumers);
  await pause(LOST_MS);
  await ofConsumers.return();
  await each(async (move) => {
    await settled(move);
    assert.deepEqual(await repair(move), [], 'all of it is sent again');
  });

  // The operator forgets that the last lanes moved: it moves them again, which changes nothing.
  await each((move, at) => goTo(move, runs[at]!, 'route-all'));
  const ofOperator = await rememberMoment(t, operators);
  const ofProducers = await rememberMoment(t, producers);
  const asked = await each((move, at) => goTo(move, runs[at]!));
  assert.ok(asked.every(({ run }) => run.waiting?.gate === 'complete'));
  const moved = await each(epochs);
  await ofOperator.return();
  const again = await each((move, at) => goTo(move, runs[at]!));
  assert.ok(again.every(({ run }) => run.waiting?.gate === 'complete'));
  assert.deepEqual(await each(epochs), moved, 'no lane was moved a second time');

  // The producers stand behind the fences of their consumers, and forget what they sent.
  await ofProducers.return();
  await each(async (move, at) => {
    const id = runs[at]!;
    const refused = { code: 'RUN_STATE', message: /is paused now: .*relink resume/ };
    await assert.rejects(move.desk.order(id, 'complete', move.link), refused);
    await move.desk.order(id, 'resume');
    const { run: stopped } = await goTo(move, id);
    assert.match(stopped.problem, /closed \d+, settled \d+.*--accept-differences REASON/);
    const last = moved[at]!.at(-1)!;
    assert.ok((await epochs(move)).at(-1)! > last, 'no epoch is given a second time');
    assert.ok(!(await epochs(move)).includes(last));
    await repair(move);
    await resumeToTheEnd(move, id, 'what was forgotten is decided');
    await complete(move, id);
  });

  for (const move of moves) {
    await move.traffic.stop();
    const unknown = (await reconcile(move, false)).filter(({ kind }) => kind === 'unknown');
    const keys = unknown.flatMap(({ key }) => key ?? []);
    await move.company.oracle(undefined, keys);
  }
});

/**
 * The engine's memory on a real PostgreSQL: one run per leg, one engine, one transition at a time.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Certificates, type ClosingStatement } from '../../migration/certificate.ts';
import { checkCertificate } from '../../migration/certificateCheck.ts';
import { Lease } from '../../migration/engine/lease.ts';
import { MigrationError, type MigrationErrorCode } from '../../migration/errors.ts';
import { choosePlan } from '../../migration/plans/index.ts';
import { Journal, type NewRun } from '../../migration/run/journal.ts';
import { begin, end } from '../../migration/run/life.ts';
import { parseSettings } from '../../migration/settings.ts';
import { silentLog } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { operatorDatabase } from '../rigs/oneStep.ts';

const sync = { transport: 'sync', version: 0 } as const;
const async = { transport: 'async', version: 0 } as const;
const settings = parseSettings({});
const plan = choosePlan({ kind: 'formal', from: sync, to: async }, settings);

function newRun(consumers: string[], link = 'COMM-010'): NewRun {
  return {
    plan: plan.name,
    link,
    consumer: consumers.length === 1 ? consumers[0]! : '',
    consumers,
    others: [],
    producer: 'assessments',
    from: sync,
    to: async,
    wayBack: 'keep',
    isStepByStep: false,
    isHeld: true,
    settings,
    actor: 'test',
  };
}

function refusal(code: MigrationErrorCode) {
  return (error: unknown) => error instanceof MigrationError && error.code === code;
}

describe('journal', () => {
  it('keeps a run with its steps as it was created', async (t) => {
    const journal = new Journal(await operatorDatabase(t));
    const { run, steps } = await journal.create(newRun(['hiring', 'bonuses']), plan.steps);
    assert.equal(run.state, 'planned');
    assert.deepEqual(run.consumers, ['hiring', 'bonuses']);
    assert.deepEqual(run.settings, settings);
    assert.deepEqual(
      steps.map(({ name }) => name),
      plan.steps.map(({ name }) => name),
    );
    assert.deepEqual(await journal.read(run.id), { run, steps });
  });

  it('refuses a leg that a run of the whole link holds, and the other way round', async (t) => {
    const journal = new Journal(await operatorDatabase(t));
    const whole = await journal.create(newRun(['hiring', 'bonuses']), plan.steps);
    await assert.rejects(journal.create(newRun(['hiring']), plan.steps), refusal('LINK_BUSY'));
    await journal.record(whole, end(whole.run, new Date().toISOString()));
    await journal.create(newRun(['bonuses']), plan.steps);
    await assert.rejects(
      journal.create(newRun(['hiring', 'bonuses']), plan.steps),
      refusal('LINK_BUSY'),
    );
    await journal.create(newRun(['hiring']), plan.steps);
    await journal.create(newRun(['hiring'], 'COMM-020'), plan.steps);
  });

  it('lets one of many simultaneous starts through', async (t) => {
    const journal = new Journal(await operatorDatabase(t));
    const starts = Array.from({ length: 8 }, () => journal.create(newRun(['hiring']), plan.steps));
    const results = await Promise.allSettled(starts);
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const one of results)
      if (one.status === 'rejected') assert.equal(refusal('LINK_BUSY')(one.reason), true);
  });

  it('cannot be made to hold one leg twice by writing to its tables', async (t) => {
    const sql = await operatorDatabase(t);
    const journal = new Journal(sql);
    const { run } = await journal.create(newRun(['hiring']), plan.steps);
    const broken = (constraint: string) => (error: unknown) =>
      (error as { constraint_name?: string }).constraint_name === constraint;
    await assert.rejects(
      async () => await sql`update migration.run_legs set is_live = false`,
      broken('run_legs_follow_run'),
      'legs of a live run cannot be let go',
    );
    await assert.rejects(async () => await sql`update migration.runs set is_live = false`);
    await sql`update migration.runs set state = 'completed' where id = ${run.id}`;
    const [leg] = await sql<{ is_live: boolean }[]>`select is_live from migration.run_legs`;
    assert.equal(leg?.is_live, false, 'ending the run lets go of its legs');
    await journal.create(newRun(['hiring']), plan.steps);
    await assert.rejects(
      async () => await sql`update migration.runs set state = 'running' where id = ${run.id}`,
      broken('run_legs_one_live_run'),
      'an ended run cannot come back to life beside another',
    );
  });

  it('records one of two transitions from the same revision', async (t) => {
    const journal = new Journal(await operatorDatabase(t));
    const created = await journal.create(newRun(['hiring']), plan.steps);
    const results = await Promise.allSettled([
      journal.record(created, begin()),
      journal.record(created, { run: { state: 'paused' } }),
    ]);
    const refused = results.filter((one) => one.status === 'rejected');
    assert.equal(refused.length, 1);
    assert.equal(refusal('RUN_CHANGED')(refused[0]!.reason), true);
  });

  it('records all of a transition or nothing', async (t) => {
    const sql = await operatorDatabase(t);
    const journal = new Journal(sql);
    const created = await journal.create(newRun(['hiring']), plan.steps);
    const evidence = { verdict: 'pass', value: '1', threshold: '2' } as const;
    await assert.rejects(
      journal.record(created, {
        run: { state: 'running' },
        steps: [{ position: 0, patch: { state: 'done' } }],
        evidence: [{ ...evidence, position: 99, what: 'of a step that does not exist' }],
      }),
    );
    assert.deepEqual(await journal.read(created.run.id), created);
  });
});

describe('engine lease', () => {
  /** Runs out when a test says so, and not because the machine was busy. */
  const open = (sql: Database, owner: string, durationMs = 600_000) =>
    new Lease({ sql, owner, log: silentLog, durationMs });

  const expire = (sql: Database) => sql`update migration.leases set expires_at = '-infinity'`;

  it('is held by one engine at a time, and passes on when it expires', async (t) => {
    const sql = await operatorDatabase(t);
    const [first, second] = [open(sql, 'first'), open(sql, 'second')];
    assert.equal(await first.refresh(), true);
    assert.equal(await second.refresh(), false);
    await expire(sql);
    assert.equal(await second.refresh(), true);
    assert.equal(await first.refresh(), false);
    assert.throws(() => first.requireValid(), refusal('LEASE_LOST'));
  });

  it('is doubted by its holder when its time is over, without being told', async (t) => {
    const lease = open(await operatorDatabase(t), 'only', 200);
    assert.equal(await lease.refresh(), true);
    const isSure = () => {
      try {
        return lease.requireValid() !== undefined;
      } catch (error) {
        assert.ok(refusal('LEASE_LOST')(error));
        return false;
      }
    };
    await until(() => !isSure(), { what: 'the holder is not sure any more' });
    assert.ok(lease.held, 'nobody told it');
  });

  it('keeps an engine that lost it from recording anything', async (t) => {
    const sql = await operatorDatabase(t);
    const journal = new Journal(sql);
    const [first, second] = [open(sql, 'first'), open(sql, 'second')];
    await first.refresh();
    const stale = first.requireValid();
    const created = await journal.create(newRun(['hiring']), plan.steps);
    await expire(sql);
    assert.equal(await second.refresh(), true);
    await assert.rejects(journal.record(created, begin(), stale), refusal('LEASE_LOST'));
    await journal.record(created, begin(), second.requireValid());
  });

  it('takes a new term when its time ran out: what it began before is refused', async (t) => {
    const sql = await operatorDatabase(t);
    const journal = new Journal(sql);
    const lease = open(sql, 'only');
    await lease.refresh();
    const before = lease.requireValid();
    await expire(sql);
    await lease.refresh();
    assert.equal(lease.requireValid().term, before.term + 1n);
    const created = await journal.create(newRun(['hiring']), plan.steps);
    await assert.rejects(journal.record(created, begin(), before), refusal('LEASE_LOST'));
  });

  it('is free at once after a release', async (t) => {
    const sql = await operatorDatabase(t);
    const [first, second] = [open(sql, 'first'), open(sql, 'second')];
    await first.refresh();
    await first.release();
    assert.equal(await second.refresh(), true);
  });
});

describe('certificates', () => {
  const closing: ClosingStatement = {
    run: '019f0000-0000-7000-8000-000000000000',
    link: 'COMM-010',
    producer: 'assessments',
    consumer: 'hiring',
    epoch: 1,
    route: 'sync v0',
    count: 3,
    lanes: [
      {
        lane: 4,
        closed: { count: 3, sum: '-18446744073709551617' },
        inbox: { count: 3, sum: '-18446744073709551617' },
        outcomes: { applied: 2, superseded: 1, dead: 0, parked: 0 },
      },
    ],
  };
  const exported = ({ statement, signature, publicKey }: Record<string, unknown>) =>
    JSON.stringify({ statement, signature, public_key: publicKey });

  it('are signed once for each leg and epoch, by one key for ever', async (t) => {
    const sql = await operatorDatabase(t);
    const stores = ['one', 'two'].map((signer) => new Certificates(sql, signer));
    await Promise.all(stores.map((store) => store.sign(closing)));
    const all = await stores[0]!.list({ limit: 10 });
    assert.equal(all.length, 1);
    assert.deepEqual(await stores[0]!.key(), await stores[1]!.key());
    assert.deepEqual([...(await stores[0]!.certified('COMM-010', 'hiring'))], [1]);
  });

  it('are checked offline, and betray any change', async (t) => {
    const store = new Certificates(await operatorDatabase(t), 'operator');
    await store.sign(closing);
    const [certificate] = await store.list({ link: 'COMM-010', limit: 1 });
    const good = checkCertificate(exported({ ...certificate! }), certificate!.publicKey);
    assert.ok(good.isValid);
    assert.equal(good.statement.count, 3);
    const statement = certificate!.statement.replace('"count":3', '"count":4');
    assert.equal(checkCertificate(exported({ ...certificate!, statement })).isValid, false);
    assert.equal(checkCertificate(exported({ ...certificate! }), 'another key').isValid, false);
    assert.equal(checkCertificate('no json').isValid, false);
  });

  it('do not check when both sides differ in a statement that is signed', async (t) => {
    const store = new Certificates(await operatorDatabase(t), 'operator');
    const lane = { ...closing.lanes[0]!, inbox: { count: 2, sum: '5' } };
    await store.sign({ ...closing, lanes: [lane] });
    const [certificate] = await store.list({ limit: 1 });
    const check = checkCertificate(exported({ ...certificate! }));
    assert.equal(check.isValid, false);
    assert.match(check.isValid ? '' : check.problem, /not equal/);
  });

  it('do not check when their exceptions are others than their lanes count', async (t) => {
    const store = new Certificates(await operatorDatabase(t), 'operator');
    await store.sign({ ...closing, exceptions: { dead: 1, superseded: 0, messages: [] } });
    const [certificate] = await store.list({ limit: 1 });
    const check = checkCertificate(exported({ ...certificate! }));
    assert.match(check.isValid ? '' : check.problem, /exceptions/);
  });
});

describe('a reader of the journal', () => {
  it('sees a run and its steps as one transition left them', async (t) => {
    const journal = new Journal(await operatorDatabase(t));
    let current = await journal.create(newRun(['hiring']), plan.steps);
    let isWriting = true;
    const writing = (async () => {
      for (let done = 1; done <= 300; done += 1)
        current = await journal.record(current, {
          run: { memory: { done } },
          steps: [{ position: 0, patch: { done } }],
        });
    })().finally(() => {
      isWriting = false;
    });
    const mixed: unknown[] = [];
    while (isWriting) {
      const { run, steps } = (await journal.read(current.run.id))!;
      const [ofRun = 0, ofStep] = [run.memory.done, steps[0]!.done];
      if (ofRun !== ofStep) mixed.push([ofRun, ofStep]);
    }
    await writing;
    assert.deepEqual(mixed, []);
  });
});

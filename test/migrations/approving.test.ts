/** Two people approve at once: each approves what they saw, and nothing after it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MigrationError } from '../../migration/errors.ts';
import { Participants } from '../../migration/participants.ts';
import { choosePlan } from '../../migration/plans/index.ts';
import { Journal } from '../../migration/run/journal.ts';
import { begin, finishStep, startStep } from '../../migration/run/life.ts';
import { giveOrder } from '../../migration/run/orders.ts';
import type { RunWithSteps } from '../../migration/run/record.ts';
import type { Database } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { operatorDatabase, syncToAsync } from '../rigs/oneStep.ts';

const AT = '2026-01-01T00:00:00.000Z';

/** The step is done, and the run waits for a person before the next one. */
async function doStep(journal: Journal, current: RunWithSteps, at: number): Promise<RunWithSteps> {
  const started = await journal.record(current, startStep(current.steps[at]!, AT));
  return journal.record(started, finishStep(started, at, AT));
}

async function isSomebodyHeldUp(sql: Database): Promise<boolean> {
  const [row] = await sql`select from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database()`;
  return row !== undefined;
}

describe('an approval that arrives late', () => {
  it('is refused when the run went on meanwhile and waits before another step', async (t) => {
    const sql = await operatorDatabase(t);
    const journal = new Journal(sql);
    const desk = { journal, participants: new Participants({}) };
    const { settings, from, to, ...rest } = syncToAsync(['hiring']);
    const plan = choosePlan({ kind: 'formal', from, to }, settings);
    const run = { ...rest, settings, from, to, isStepByStep: true };
    const created = await journal.create(run, plan.steps);
    const waiting = await doStep(journal, await journal.record(created, begin()), 0);
    const { id } = waiting.run;
    const next = `before ${plan.steps[2]!.name}`;
    const approve = { order: 'approve', runId: id, actor: 'test' } as const;

    const late = await sql.begin(async (tx) => {
      await tx`select from migration.runs where id = ${id} for update`;
      const approving = giveOrder(desk, approve).catch((error: unknown) => error);
      await until(() => isSomebodyHeldUp(sql), { what: 'the approval has read the run' });
      // What another approval and the engine did before it.
      await tx`
        update migration.runs set revision = revision + 4,
          waiting = jsonb_set(waiting, '{threshold}', to_jsonb(${next}::text))
        where id = ${id}`;
      return { approving };
    });
    const refusal = await late.approving;
    assert.ok(refusal instanceof MigrationError && refusal.code === 'RUN_STATE', String(refusal));
    assert.match(refusal.message, new RegExp(`it waits ${next} now`));
    const { run: now } = (await journal.read(id))!;
    assert.deepEqual([now.state, now.waiting?.threshold], ['waiting', next]);
    assert.equal((await giveOrder(desk, approve)).run.state, 'running');
  });
});

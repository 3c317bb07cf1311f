/** A run that moves several links: each step acts on one after the other, and an engine may die in between. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { LaneRouteSchema, Transport as Wire } from '../../gen/relink/v1/route_pb.ts';
import { StepProblem } from '../../migration/errors.ts';
import { findStrays } from '../../migration/leg/strays.ts';
import { Participants } from '../../migration/participants.ts';
import type { Gate, Plan, Step, StepContext } from '../../migration/plan.ts';
import { forEachLink } from '../../migration/plans/eachLink.ts';
import { gate } from '../../migration/plans/transport.ts';
import { Journal } from '../../migration/run/journal.ts';
import { runOfLink } from '../../migration/run/links.ts';
import type { MovedLink } from '../../migration/run/record.ts';
import { armFailpoint, disarmFailpoints } from '../../runtime/failpoints.ts';
import { openAlone, operatorDatabase, playService, syncToAsync } from '../rigs/oneStep.ts';

const v0 = { transport: 'async', version: 0 } as const;
const v1 = { transport: 'async', version: 1 } as const;
const second: MovedLink = {
  link: 'COMM-021',
  consumers: ['hiring'],
  from: { transport: 'sync', version: 0 },
  to: { transport: 'sync', version: 1 },
};
const run = { link: 'COMM-020', from: v0, to: v1, others: [second] };

/** One step of a plan, as it acts on each link of a run. */
function eachLink<S extends Plan['steps'][number]>(step: S): S {
  return forEachLink({ name: 'test', steps: [step] }).steps[0] as S;
}

/** Notes in `acted` on which link it acts, once a link, and how it got there. */
function noting(acted: string[]): Step {
  const act = (verb: string) => async (context: StepContext) => {
    const { link, to } = context.run;
    if (context.checkpoint[verb]) return;
    acted.push(`${verb} ${link} ${to.transport}`);
    await context.save({ ...context.checkpoint, [verb]: true }, { done: 1, total: 2 });
    await context.remember({ moved: { hiring: { 0: acted.length } } });
    await context.observe('hiring', verb);
  };
  const rest = { name: 'note', title: 'Note', number: '1', undoTitle: 'note it' };
  return { ...rest, kind: 'step', apply: act('do'), undo: act('undo') };
}

describe('a run of several links', () => {
  afterEach(() => disarmFailpoints());

  it('acts on each link with its own route, memory and checkpoint, also when an engine dies in between', async (t) => {
    const acted: string[] = [];
    const step = eachLink(noting(acted));
    const alone = await openAlone(t, { step, consumers: ['hiring'], run });
    armFailpoint('engine.between-links', { do: 'throw' }, 1);
    await assert.rejects(step.apply(await alone.enter()));
    assert.deepEqual(acted, ['do COMM-020 async']);
    await step.apply(await alone.enter());
    assert.deepEqual(acted, ['do COMM-020 async', 'do COMM-021 sync'], 'the first is not repeated');
    const { run: kept, steps } = (await alone.journal.read(alone.runId))!;
    assert.deepEqual(kept.memory.moved, { hiring: { 0: 1 } });
    assert.deepEqual(runOfLink(kept, second).memory, { moved: { hiring: { 0: 2 } } });
    assert.deepEqual([steps[0]!.done, steps[0]!.total], [2, 4]);
    const evidence = await alone.journal.evidence(alone.runId);
    assert.deepEqual(evidence.map(({ what }) => what).sort(), [
      'COMM-020: hiring',
      'COMM-021: hiring',
    ]);
  });

  it('goes back from the last link to the first, also when an engine dies in between', async (t) => {
    const acted: string[] = [];
    const step = eachLink(noting(acted));
    const alone = await openAlone(t, { step, consumers: ['hiring'], run });
    armFailpoint('engine.between-links', { do: 'throw' }, 1);
    await assert.rejects(step.undo!(await alone.enterBack()));
    await step.undo!(await alone.enterBack());
    assert.deepEqual(acted, ['undo COMM-021 sync', 'undo COMM-020 async']);
  });

  it('reads a measure of every link, and says of which a problem is', async (t) => {
    const measured: Gate = gate('1', 'Measure', {
      name: 'measure',
      measures: [
        {
          name: 'it',
          unanswered: 'fail',
          read: async ({ run: { link } }) => {
            if (link === 'COMM-021') throw new StepProblem('strayed', 'lane 3 is elsewhere');
            return [{ what: link, verdict: 'pass', value: '', threshold: '' }];
          },
        },
      ],
    });
    const step = eachLink(measured);
    const alone = await openAlone(t, { step, consumers: ['hiring'], run });
    await assert.rejects(step.measures[0]!.read(await alone.enter()), (error: unknown) => {
      assert.ok(error instanceof StepProblem);
      assert.deepEqual([error.kind, error.message], ['strayed', 'COMM-021: lane 3 is elsewhere']);
      return true;
    });
  });

  it('holds the legs of all, is listed under each, and lets go of all', async (t) => {
    const sql = await operatorDatabase(t);
    const journal = new Journal(sql);
    const created = await journal.create({ ...syncToAsync(['hiring']), ...run }, []);
    assert.deepEqual(created.run.others, [second]);
    const other = { ...syncToAsync(['hiring']), link: 'COMM-021' };
    await assert.rejects(journal.create(other, []), /run .* holds COMM-021\/hiring/);
    const listed = await journal.list({ link: 'COMM-021', limit: 5 });
    assert.deepEqual(
      listed.map(({ id }) => id),
      [created.run.id],
    );
    await sql`update migration.runs set state = 'completed'`;
    await journal.create(other, []);
  });

  it('sees lanes of any of its links that something else moved', async (t) => {
    const routes = (link: string) =>
      create(LaneRouteSchema, {
        ...{ lane: 0, epoch: link === 'COMM-020' ? 5n : 9n, version: 1 },
        transport: link === 'COMM-020' ? Wire.ASYNC : Wire.SYNC,
      });
    const assessments = await playService(t, {
      getRoutes: async ({ link }) => ({ lanes: [routes(link)] }),
    });
    const participants = new Participants({ assessments: [assessments] });
    t.after(() => participants.close());
    const journal = new Journal(await operatorDatabase(t));
    const created = await journal.create({ ...syncToAsync(['hiring']), ...run }, []);
    const put = (epoch: number) => ({ moved: { hiring: { 0: epoch } } });
    const memory = { ...put(5), others: { 'COMM-021': put(8) } };
    assert.deepEqual(await findStrays({ participants, run: { ...created.run, memory } }), [
      'COMM-021: lane 0 of hiring go by sync v1, epoch 9, not by sync v1, epoch 8',
    ]);
  });
});

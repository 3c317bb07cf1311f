/** Runs of one link that end together, beside the stream that their legs share. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { PlanStep } from '../../migration/plan.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { Journal } from '../../migration/run/journal.ts';
import { rollBack } from '../../migration/run/life.ts';
import type { RouteName, RunRecord } from '../../migration/run/record.ts';
import { removeStream } from '../../migration/steps/removeStream.ts';
import { LinkStreams } from '../../operator/streams.ts';
import { operatorDatabase, syncToAsync } from '../rigs/oneStep.ts';

const journal = new Journal(await operatorDatabase({ after }));
/** It asks the journal alone. */
const desk = new LinkStreams(undefined as never, journal);
const plan: PlanStep[] = [numbered('6', 'Remove', removeStream)];
const sync: RouteName = { transport: 'sync', version: 0 };
const async: RouteName = { transport: 'async', version: 0 };

async function start(link: string, consumer: string, to: RouteName, isGoingBack = false) {
  const from = to === sync ? async : sync;
  const created = await journal.create({ ...syncToAsync([consumer]), link, from, to }, plan);
  if (!isGoingBack) return created.run;
  return (await journal.record(created, rollBack(created, 'test'))).run;
}

async function isKept(link: string, mine: RouteName, others: RouteName, isOtherBack = false) {
  const run: RunRecord = await start(link, 'hiring', mine);
  await start(link, 'bonuses', others, isOtherBack);
  return desk.isNeededByOthers(run);
}

describe('the stream of a link with two runs', () => {
  it('is removed when both leave it', async () => {
    assert.equal(await isKept('COMM-001', sync, sync), false);
  });

  it('is removed when the other one goes back to calls', async () => {
    assert.equal(await isKept('COMM-002', sync, async, true), false);
  });

  it('is kept for a run that is on its way to it', async () => {
    assert.equal(await isKept('COMM-003', sync, async), true);
  });

  it('is kept for a run that goes back to it', async () => {
    assert.equal(await isKept('COMM-004', sync, sync, true), true);
  });
});

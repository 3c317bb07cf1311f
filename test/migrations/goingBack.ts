/** Goes back from every step of a plan that leaves something to undo, one run after another. */

import assert from 'node:assert/strict';
import { Reading } from '../../gen/relink/v1/participant_pb.ts';
import { transportFromWire } from '../../migration/participants.ts';
import { COMPLETE } from '../../migration/plan.ts';
import type { RunWithSteps, StepRecord } from '../../migration/run/record.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import type { Desk } from '../rigs/processes/desk.ts';

export interface WayThere {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  /** One consumer only. */
  readonly consumer?: string;
}

const MIDDLE = 'route-quarter';

/** The routes of every leg's lanes, each once: `async`, or `async v1` in a later version. */
export async function routesOf(
  company: ProcessCompany,
  link: string,
  consumer = '',
): Promise<string[]> {
  const { producer } = await company.described(link);
  const found = new Set<string>();
  for (const one of producer.consumers) {
    if (consumer !== '' && one !== consumer) continue;
    const request = { link, consumer: one };
    const { lanes } = await company.participants.of(producer.producer).getRoutes(request);
    for (const { transport, version } of lanes)
      found.add(`${transportFromWire(transport) ?? 'none'}${version > 0 ? ` v${version}` : ''}`);
  }
  return [...found];
}

/** Before the first lane, amid them, and before `complete`: what a plan must be able to leave. */
export async function goBackFromThreeSteps(company: ProcessCompany, way: WayThere): Promise<void> {
  await goBackFromSteps(company, way, (steps, position) => {
    const middle = steps.findIndex(({ name }) => name === MIDDLE);
    const complete = steps.findIndex(({ name }) => name === COMPLETE);
    if (position < middle) return middle;
    return position < complete - 1 ? complete - 1 : -1;
  });
}

export async function goBackFromEveryStep(company: ProcessCompany, way: WayThere): Promise<void> {
  await goBackFromSteps(company, way, nextToUndo);
}

async function goBackFromSteps(
  company: ProcessCompany,
  way: WayThere,
  nextOf: (steps: readonly StepRecord[], position: number) => number,
): Promise<void> {
  const desk = await company.desk();
  const engine = desk.engine();
  let last = 0;
  for (let position = 0; position !== -1; ) {
    const { run, steps } = await goBackFrom(desk, way, position);
    const at = steps[position]!.name;
    assert.deepEqual(await routesOf(company, way.link, way.consumer), [way.from], at);
    assert.deepEqual(
      steps.filter(({ state }) => state !== 'undone' && state !== 'pending'),
      [],
      at,
    );
    assert.equal(run.direction, 'back');
    await assertOldReadings(company, way, at);
    last = position;
    await company.assertNothingLost(way.link);
    position = nextOf(steps, position);
  }
  assert.ok(last > 0);
  await engine.stop();
}

/** Links that may be `pull`: whose value is read, and whether there is a replica, are as before. */
async function assertOldReadings(company: ProcessCompany, { link, from }: WayThere, at: string) {
  const { producer } = await company.described(link);
  if (!producer.transports.some((one) => transportFromWire(one) === 'pull')) return;
  const isPull = from === 'pull';
  for (const consumer of producer.consumers) {
    const request = { link, sinceUnixMs: 0n };
    const { lanes, hasReplica } = await company.participants.of(consumer).getReadings(request);
    const wanted = isPull ? Reading.OWNER : Reading.REPLICA;
    assert.deepEqual([...new Set(lanes.map(({ reading }) => reading))], [wanted], at);
    assert.equal(hasReplica, !isPull, at);
  }
}

/**
 * Going back from a gate, or from a step that leaves nothing to undo, is going back from the one
 * before it; the last one stands before `complete`. -1 after that.
 */
function nextToUndo(steps: readonly StepRecord[], position: number): number {
  const complete = steps.findIndex(({ name }) => name === COMPLETE);
  if (position === complete - 1) return -1;
  const next = steps.findIndex((step, at) => at > position && step.undo !== '');
  return next === -1 || next > complete ? complete - 1 : next;
}

/** Goes step by step to the step at `position`, lets it finish, and orders the way back. */
async function goBackFrom(
  desk: Desk,
  { link, to, consumer = '' }: WayThere,
  position: number,
): Promise<RunWithSteps> {
  const id = await desk.start({ link, to, consumer, isStepByStep: true });
  for (;;) {
    const { steps } = await desk.reached(id, 'waiting');
    const isLast = steps[position + 1]?.name === COMPLETE;
    if (steps[position]!.state === 'done' || isLast) break;
    await desk.order(id, 'approve');
  }
  await desk.order(id, 'rollback');
  return desk.reached(id, 'rolled_back');
}

/** Links of the functional plans and of those with pull, moved at the same time. */
export async function goBackOnThreeLinks(
  company: ProcessCompany,
  goBack: (company: ProcessCompany, way: WayThere) => Promise<void>,
): Promise<void> {
  const alsoFromPull = async () => {
    await goBack(company, { link: 'COMM-060', from: 'async', to: 'pull' });
    await moveToEnd(company, 'COMM-060', 'pull');
    await goBack(company, { link: 'COMM-060', from: 'pull', to: 'async' });
    await moveToEnd(company, 'COMM-060', 'async');
  };
  await Promise.all([
    alsoFromPull(),
    goBack(company, { link: 'COMM-040', from: 'sync', to: 'async' }),
    goBack(company, { link: 'COMM-070', from: 'async', to: 'sync' }),
  ]);
  for (const link of ['COMM-040', 'COMM-060', 'COMM-070']) await company.assertNothingLost(link);
}

async function moveToEnd(company: ProcessCompany, link: string, to: string): Promise<void> {
  const desk = await company.desk();
  const engine = desk.engine();
  await desk.runToEnd(to, link);
  await engine.stop();
}

/** Links whose rows or events get another form, moved at the same time. COMM-021 moves with COMM-020. */
export async function goBackFromVersion1(
  company: ProcessCompany,
  goBack: (company: ProcessCompany, way: WayThere) => Promise<void>,
): Promise<void> {
  await Promise.all([
    goBack(company, { link: 'COMM-010', from: 'sync', to: 'v1' }),
    goBack(company, { link: 'COMM-020', from: 'async', to: 'v1' }),
    goBack(company, { link: 'COMM-040', from: 'sync', to: 'v1' }),
  ]);
  assert.deepEqual(await routesOf(company, 'COMM-021'), ['async']);
  await company.assertNothingLost('COMM-021');
}

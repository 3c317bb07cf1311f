/** Goes back from every step of a plan that leaves something to undo, one run after another. */
import assert from 'node:assert/strict';
import { Reading } from '../../gen/relink/v1/participant_pb.ts';
import { transportFromWire } from '../../migration/participants.ts';
import { COMPLETE } from '../../migration/plan.ts';
import type { RunWithSteps, StepRecord } from '../../migration/run.ts';
import type { Company, Desk } from './company.ts';

export interface WayThere {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  /** One consumer only. */
  readonly consumer?: string;
}

/** The transports of every leg's lanes, each once. */
export async function routesOf(company: Company, link: string, consumer = ''): Promise<string[]> {
  const { producer } = (await company.participants.topology()).get(link)!;
  const found = new Set<string>();
  for (const one of producer.consumers) {
    if (consumer !== '' && one !== consumer) continue;
    const request = { link, consumer: one };
    const { lanes } = await company.participants.of(producer.producer).getRoutes(request);
    for (const { transport } of lanes) found.add(transportFromWire(transport) ?? 'none');
  }
  return [...found];
}

export async function goBackFromEveryStep(company: Company, way: WayThere): Promise<void> {
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
    position = nextToUndo(steps, position);
  }
  assert.ok(last > 0);
  await engine.stop();
}

/** Links that may be `pull`: whose value is read, and whether there is a replica, are as before. */
async function assertOldReadings(company: Company, { link, from }: WayThere, at: string) {
  const { producer } = (await company.participants.topology()).get(link)!;
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

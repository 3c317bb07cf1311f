/** An engine that is late in the middle of a step calls nobody any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lease } from '../../migration/engine/lease.ts';
import { MigrationError } from '../../migration/errors.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { startShadow } from '../../migration/steps/shadow.ts';
import type { Owner } from '../harness/owner.ts';
import { until } from '../harness/until.ts';
import { type Alone, openAlone, playService } from '../rigs/oneStep.ts';

const step = numbered('1', 'Copy', startShadow);
const isLost = (error: unknown) => error instanceof MigrationError && error.code === 'LEASE_LOST';

function isSure(lease: Lease): boolean {
  try {
    return lease.requireValid() !== undefined;
  } catch (error) {
    assert.ok(isLost(error));
    return false;
  }
}

/** A step that sets the shadow of two legs; `meanwhile` happens while the first is being set. */
async function shadowTwoLegs(t: Owner, leaseMs: number, meanwhile: (alone: Alone) => unknown) {
  const copied: string[] = [];
  const assessments = await playService(t, {
    setShadow: async ({ consumer }) => {
      copied.push(consumer);
      await meanwhile(alone);
      return {};
    },
  });
  const consumers = ['hiring', 'bonuses'];
  const services = { assessments: [assessments] };
  const alone = await openAlone(t, { step, consumers, services, leaseMs });
  return { alone, copied };
}

describe('an engine in the middle of a step', () => {
  it('makes no further call when it is no longer sure of its lease', async (t) => {
    const { alone, copied } = await shadowTwoLegs(t, 5_000, async ({ lease }) => {
      await until(() => !isSure(lease), { what: 'the lease ran out' });
    });
    const context = await alone.enter();
    await assert.rejects(step.apply(context), isLost);
    assert.deepEqual(copied, ['hiring']);
    await assert.rejects(async () => context.streams.manager(), isLost);
    await assert.rejects(async () => context.participants.replicas('assessments'), isLost);
  });

  it('makes no further call when a person changed the run', async (t) => {
    const changed = new AbortController();
    const { alone, copied } = await shadowTwoLegs(t, 60_000, () => changed.abort());
    const context = await alone.enter(changed.signal);
    await assert.rejects(step.apply(context), { name: 'AbortError' });
    assert.deepEqual(copied, ['hiring']);
  });
});

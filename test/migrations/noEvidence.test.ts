/** What nobody answers, or what contradicts itself, is no evidence that all is well. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { watchGate } from '../../migration/engine/gatekeeper.ts';
import { isRepeatable } from '../../migration/engine/repeatable.ts';
import { ownerAnswers } from '../../migration/gates/ownerAnswers.ts';
import { compareRows } from '../../migration/leg/parity.ts';
import { Participants } from '../../migration/participants.ts';
import { gate, numbered } from '../../migration/plans/transport.ts';
import { findEndpoint } from '../../migration/steps/endpoint.ts';
import type { Owner } from '../harness/owner.ts';
import { openAlone, type Played, playService } from '../rigs/oneStep.ts';

/** Nothing listens on it: it needs a privilege. */
const NOWHERE = '127.0.0.1:1';
const PATIENCE_MS = 700;

describe('the gate that watches what consumers ask', () => {
  const step = gate('2', 'Watch', { name: 'watch', measures: [ownerAnswers] });
  const settings = { patience_seconds: '0.5' };

  it('does not pass when no process of the consumer says anything', async (t) => {
    const services = { hiring: [NOWHERE, NOWHERE] };
    const alone = await openAlone(t, { step, consumers: ['hiring'], services, settings });
    await assert.rejects(watchGate(step, await alone.enter()), /owner answers: .*can be read/);
  });

  it('passes when one of its processes is away', async (t) => {
    const up = await playService(t, { getReadings: async () => ({ asked: 3n }) });
    const services = { hiring: [NOWHERE, up] };
    const alone = await openAlone(t, { step, consumers: ['hiring'], services, settings });
    await watchGate(step, await alone.enter());
    const [seen] = await alone.journal.evidence(alone.runId);
    assert.equal(seen?.verdict, 'pass');
  });
});

describe('the step that looks for the method of a consumer', () => {
  const step = numbered('2', 'Find it', findEndpoint);
  const [link, consumers] = ['COMM-010', ['hiring']];

  it('does not take one that does not answer for one without a method', async (t) => {
    const produces = [{ id: link, producer: 'assessments', consumers }];
    const assessments = [await playService(t, { describe: async () => ({ produces }) })];
    const services = { assessments, hiring: [NOWHERE] };
    const alone = await openAlone(t, { step, consumers, services });
    await assert.rejects(step.apply(await alone.enter()), (error: unknown) => {
      assert.ok(isRepeatable(error));
      assert.match((error as Error).message, /hiring does not answer/);
      return true;
    });
  });
});

interface Row {
  version: bigint;
  hash: bigint;
}

/** Serves one row; each listing shows the next of its states, and then the last again. */
function rowOf(...states: Row[]): Played {
  const key = 'ada';
  return {
    getEntityDigest: async () => ({
      buckets: [{ bucket: 7, digest: { count: 1n, sum: String(states[0]!.hash) } }],
    }),
    listEntityBucket: async () => {
      const row = states.length > 1 ? states.shift()! : states[0]!;
      return { rows: [{ key, ...row }] };
    },
  };
}

async function compare(t: Owner, owner: Played, replica: Played): Promise<string[]> {
  const participants = new Participants({
    assessments: [await playService(t, owner)],
    hiring: [await playService(t, replica)],
  });
  t.after(() => participants.close());
  const sides = {
    link: 'COMM-010',
    version: 0,
    producer: participants.of('assessments'),
    consumer: participants.of('hiring'),
  };
  const { differing } = await compareRows(sides, PATIENCE_MS);
  return differing.map(({ key }) => key);
}

describe('rows of an owner that lost its last commits', () => {
  const [four, five] = [
    { version: 4n, hash: 44n },
    { version: 5n, hash: 55n },
  ];

  it('differ as long as the replica is ahead', async (t) => {
    assert.deepEqual(await compare(t, rowOf(four), rowOf(five)), ['ada']);
  });

  it('differ when the owner gave the version to something else', async (t) => {
    const other = { version: 5n, hash: 50n };
    assert.deepEqual(await compare(t, rowOf(four, other), rowOf(five)), ['ada']);
  });

  it('do not differ any more when the owner has the same again', async (t) => {
    assert.deepEqual(await compare(t, rowOf(four, five), rowOf(five)), []);
  });

  it('that only the replica lacks differ until it shows them', async (t) => {
    assert.deepEqual(await compare(t, rowOf(five), rowOf(four)), ['ada']);
    assert.deepEqual(await compare(t, rowOf(five), rowOf(four, five)), []);
    const six = { version: 6n, hash: 66n };
    assert.deepEqual(await compare(t, rowOf(five, six), rowOf(four, six)), []);
  });
});

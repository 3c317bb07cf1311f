/** Gates behind a move judge the lanes that moved, and want evidence that is some. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { watchGate } from '../../migration/engine/gatekeeper.ts';
import { delivered } from '../../migration/gates/delivered.ts';
import { lag } from '../../migration/gates/lag.ts';
import { shadowEqual } from '../../migration/gates/shadowEqual.ts';
import type { Measure } from '../../migration/plan.ts';
import { gate } from '../../migration/plans/transport.ts';
import type { JsonObject } from '../../migration/run/record.ts';
import type { Owner } from '../harness/owner.ts';
import { openAlone, type Played, playService } from '../rigs/oneStep.ts';

const CONSUMER = 'hiring';
const EPOCH = 5;
const LANES = [0];
/** Lane 0 as the run has moved it, and copying as it began. */
const MEMORY = {
  moved: { [CONSUMER]: { 0: EPOCH } },
  shadow: { [CONSUMER]: { sinceMs: 1, closed: 0 } },
};

interface Leg {
  /** Closed messages by lane and epoch. */
  readonly closed?: readonly (readonly [lane: number, epoch: number, count: number])[];
  /** Open messages of the canary lane, and of the others. */
  readonly open?: number;
  readonly elsewhere?: number;
  readonly probe?: { ok?: boolean; reachedOnly?: boolean };
}

function producer({ closed = [], open = 0, elsewhere = 0, probe = {} }: Leg): Played {
  return {
    getClosed: async () => ({
      lanes: closed.map(([lane, epoch, count]) => ({
        ...{ lane, epoch: BigInt(epoch), digest: { count: BigInt(count), sum: '1' } },
      })),
    }),
    getProgress: async ({ lanes }) => {
      const count = lanes.length > 0 ? open : open + elsewhere;
      return { open: BigInt(count), oldestOpenMs: count > 0 ? 9_000n : 0n };
    },
    probe: async () => ({ ok: true, latencyMs: 3, ...probe }),
  };
}

interface Watched {
  readonly assessments: Played;
  readonly hiring?: Played;
  readonly settings?: Readonly<Record<string, string>>;
  readonly memory?: JsonObject;
}

/** Watches until the gate passes; rejects with what it lacks. Answers the last readings. */
async function watch(
  t: Owner,
  measure: Measure,
  { assessments, hiring = {}, settings, memory }: Watched,
) {
  const step = gate('3', 'Watch', { name: 'watch', measures: [measure] });
  const services = {
    assessments: [await playService(t, assessments)],
    [CONSUMER]: [await playService(t, hiring)],
  };
  const short = { patience_seconds: '0.4', shadow_seconds: '0', ...settings };
  const alone = await openAlone(t, { step, consumers: [CONSUMER], services, settings: short });
  const context = await alone.enter();
  await context.remember({ ...MEMORY, ...memory });
  await watchGate(step, context);
  return (await alone.journal.evidence(alone.runId)).map(({ value }) => value).join('; ');
}

describe('what the lanes that moved delivered', { concurrency: true }, () => {
  const measure = delivered(LANES);

  it('is not what others did, nor they by an earlier route', async (t) => {
    const closed = [
      [0, EPOCH - 1, 900],
      [0, EPOCH, 4],
      [7, EPOCH, 900],
    ] as const;
    const assessments = producer({ closed });
    await assert.rejects(
      watch(t, measure, { assessments }),
      /: 4 \(too little traffic; .*allow_idle=1/,
    );
  });

  it('passes with as many as were asked for', async (t) => {
    const assessments = producer({ closed: [[0, EPOCH, 5]] });
    assert.equal(await watch(t, measure, { assessments }), '5');
  });

  const idle = { allow_idle: '1' };

  it('is a probe through the transport, where nothing is open and the run allows it', async (t) => {
    const seen = await watch(t, measure, { assessments: producer({}), settings: idle });
    assert.match(seen, /^0 \(no traffic; probe by async v0 in 3.0 ms\)$/);
  });

  it('is no probe while a message is open: that lane is stuck', async (t) => {
    const assessments = producer({ open: 1 });
    await assert.rejects(watch(t, measure, { assessments, settings: idle }), /: 0 \(1 open\)/);
  });

  it('is no probe that reached only the API', async (t) => {
    const assessments = producer({ probe: { reachedOnly: true } });
    await assert.rejects(
      watch(t, measure, { assessments, settings: idle }),
      /nothing was ever sent/,
    );
  });
});

describe('the lag of the lanes that moved', { concurrency: true }, () => {
  it('fails by a message of theirs', async (t) => {
    const assessments = producer({ open: 1 });
    await assert.rejects(watch(t, lag(LANES), { assessments }), /9000 ms \(1 open\)/);
  });

  it('is not that of the other lanes', async (t) => {
    await watch(t, lag(LANES), { assessments: producer({ elsewhere: 3 }) });
  });
});

/** A consumer whose copies compare like this; the next answer at each comparison anew. */
function compared(...answers: Readonly<Record<string, bigint>>[]): Played {
  let since = 1n;
  return {
    getShadowResults: async ({ sinceUnixMs }) => {
      if (sinceUnixMs > since && answers.length > 1) answers.shift();
      since = sinceUnixMs;
      return answers[0]!;
    },
  };
}

describe('shadow copies', { concurrency: true }, () => {
  const traffic = producer({ closed: [[3, 1, 40]] });
  const all = { expected: 31n, equal: 31n };

  it('must be as many as asked for, however late it is', async (t) => {
    const hiring = compared(all);
    const pending = watch(t, shadowEqual, { assessments: traffic, hiring });
    await assert.rejects(pending, /31 of 31 \(too little traffic/);
  });

  it('must have shown as many effects as asked for', async (t) => {
    const hiring = compared({ expected: 60n, equal: 60n, ran: 1n });
    const memory = { copiesRun: true };
    await assert.rejects(
      watch(t, shadowEqual, { assessments: traffic, hiring, memory }),
      /1 effects compared/,
    );
  });

  it('of a leg on which nothing settles are no sign of an idle one', async (t) => {
    const settings = { allow_idle: '1' };
    const assessments = producer({ elsewhere: 11 });
    await assert.rejects(
      watch(t, shadowEqual, { assessments, hiring: compared({}), settings }),
      /0 of 0 \(11 open\)/,
    );
  });

  it('that a crash lost are no difference: they are measured anew', async (t) => {
    const lossy = { expected: 40n, equal: 28n, missing: 12n };
    const hiring = compared(lossy, { expected: 50n, equal: 50n });
    const settings = { patience_seconds: '10' };
    const seen = await watch(t, shadowEqual, { assessments: traffic, hiring, settings });
    assert.match(seen, /50 of 50; measured anew, as 12 copies were lost/);
  });

  it('that are lost again and again fail', async (t) => {
    const hiring = compared({ expected: 40n, equal: 39n, missing: 1n });
    await assert.rejects(watch(t, shadowEqual, { assessments: traffic, hiring }), /1 missing/);
  });
});

/** What only the old contract version needs is removed last, and only when nothing needs it any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import type { Step } from '../../migration/plan.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { contractSchema, expandSchema } from '../../migration/steps/schema.ts';
import { RpcError } from '../../rpc/errors.ts';
import type { Owner } from '../harness/owner.ts';
import { openAlone, type Played, playService } from '../rigs/oneStep.ts';

const LINK = 'COMM-010';
const contract = numbered<Step>('15', 'Contract', contractSchema);
const expand = numbered<Step>('1', 'Expand', expandSchema);
const run = {
  from: { transport: 'async', version: 0 },
  to: { transport: 'async', version: 1 },
} as const;

interface Case {
  /** Rows that hiring cannot store in the new form. */
  readonly left?: number;
  /** The version that the producer's build writes. */
  readonly writes?: number;
  /** The version of the leg to bonuses, which the run does not move. */
  readonly bonuses?: number;
  /** A message that hiring gave up on since the run began. */
  readonly dead?: boolean;
}

async function open(
  t: Owner,
  step: Step,
  { left = 0, writes = 1, bonuses = 1, dead = false }: Case = {},
) {
  const removed: string[] = [];
  const events = [{ name: 'ManagerCreated', versions: [0, 1], writtenVersion: writes }];
  const link = { id: LINK, kind: LinkKind.FORMAL, producer: 'assessments', events };
  const described = { ...link, consumers: ['hiring', 'bonuses'] };
  const schemaOf = (service: string): Played => ({
    storeRows: async () => ({ left: service === 'hiring' ? left : 0 }),
    getEntityDigest: async () => ({ buckets: [] }),
    listDeadLetters: async () => ({ deadLetters: dead ? [{ id: 'd1', link: LINK }] : [] }),
    getSchema: async () => ({
      due: [
        { version: 1, name: 'dropNames', made: removed.some((one) => one.startsWith(service)) },
      ],
    }),
    contractSchema: async ({ version }) => {
      removed.push(`${service} v${version}`);
      return { made: ['dropNames'] };
    },
  });
  const assessments = await playService(t, {
    ...schemaOf('assessments'),
    describe: async () => ({ service: 'assessments', produces: [described] }),
    getProgress: async () => ({ open: 0n }),
    getRoutes: async ({ consumer }) => {
      const version = consumer === 'hiring' ? 1 : bonuses;
      return { lanes: [{ version, adoptedVersion: version }] };
    },
    expandSchema: async () => ({ made: [{ name: 'nickname' }] }),
  });
  const hiring = await playService(t, {
    ...schemaOf('hiring'),
    describe: async () => ({ service: 'hiring', consumes: [described] }),
    expandSchema: () => {
      throw new RpcError('FAILED_PRECONDITION', 'LINK_NOT_MOVABLE', 'hiring has no schema');
    },
  });
  const services = { assessments: [assessments], hiring: [hiring] };
  const settings = { patience_seconds: '0.1' };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services, run, settings });
  const values = async () => {
    const evidence = await alone.journal.evidence(alone.runId);
    return Object.fromEntries(evidence.map(({ what, value }) => [what, value]));
  };
  return { alone, removed, values };
}

describe('the schemas of both sides', () => {
  it('get what is missing; a service that looks after its own is left alone', async (t) => {
    const { alone, values } = await open(t, expand);
    await expand.apply(await alone.enter());
    const seen = await values();
    assert.equal(seen['schema of assessments'], 'made nickname');
    assert.equal(seen['schema of hiring'], 'nothing was missing');
    assert.equal(seen['dropNames at hiring'], 'due once only v1 is');
  });

  it('lose what only the old version needs, the replicas first', async (t) => {
    const { alone, removed, values } = await open(t, contract);
    await contract.apply(await alone.enter());
    assert.deepEqual(removed, ['hiring v1', 'assessments v1']);
    assert.equal((await values())['dropNames at assessments'], 'made');
  });

  it('keep all while a row is stored in the old form, or a process writes it', async (t) => {
    const late = await open(t, contract, { left: 3 });
    await assert.rejects(
      contract.apply(await late.alone.enter()),
      /3 rows of hiring are not stored as v1/,
    );
    const old = await open(t, contract, { writes: 0 });
    await assert.rejects(
      contract.apply(await old.alone.enter()),
      /writes ManagerCreated v0; nothing/,
    );
    assert.deepEqual([...late.removed, ...old.removed], []);
  });

  it('keep all while a consumer has given up on a message since the run began', async (t) => {
    const { alone, removed } = await open(t, contract, { dead: true });
    await assert.rejects(
      contract.apply(await alone.enter()),
      /new dead letters at hiring: 1; nothing was removed/,
    );
    assert.deepEqual(removed, []);
  });

  it('keep what the owner gives another consumer, which still takes the old version', async (t) => {
    const { alone, removed, values } = await open(t, contract, { bonuses: 0 });
    await contract.apply(await alone.enter());
    assert.deepEqual(removed, ['hiring v1']);
    assert.match(
      (await values())['dropNames at assessments']!,
      /^kept: a leg of COMM-010 is at v0/,
    );
  });
});

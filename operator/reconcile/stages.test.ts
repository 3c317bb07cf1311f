/** What `relink reconcile` finds of lanes that are behind, and of rows that are not the owner's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { Participants } from '../../migration/participants.ts';
import { followPages } from '../../rpc/paging.ts';
import type { Owner } from '../../test/harness/owner.ts';
import { type Played, playService } from '../../test/rigs/oneStep.ts';
import { comparePage } from './handlers.ts';

const LINK = 'COMM-010';

interface Row {
  readonly key: string;
  readonly version: bigint;
  readonly hash: bigint;
}

/** A formal leg whose two sides have these rows, epochs and fences. */
async function open(
  t: Owner,
  both: { owner?: Row[]; replica?: Row[]; epochs?: bigint[]; fence?: bigint },
) {
  const { owner = [], replica = [], epochs = [2n], fence = 0n } = both;
  const backfilled: { keys: string[]; raiseVersions: boolean }[] = [];
  const assessments: Played = {
    ...describing('produces'),
    ...showing(owner),
    getClosed: async () => ({}),
    getProgress: async () => ({}),
    getRoutes: async () => ({
      lanes: epochs.map((epoch, lane) => ({ lane, epoch, adoptedEpoch: epoch })),
    }),
    backfill: async ({ keys, raiseVersions }) => {
      backfilled.push({ keys, raiseVersions });
      for (const key of keys) {
        const row = owner.find((one) => one.key === key)!;
        const version = raiseVersions ? row.version + 1n : row.version;
        owner[owner.indexOf(row)] = { ...row, version };
        const at = replica.findIndex((one) => one.key === key);
        // As the consumer does it: a newer version wins.
        if (at < 0) replica.push({ ...row, version });
        else if (replica[at]!.version < version) replica[at] = { ...row, version };
      }
      return {};
    },
  };
  const hiring: Played = {
    ...describing('consumes'),
    ...showing(replica),
    getInboxDigest: async () => ({}),
    getFences: async () => ({
      lanes: fence > 0n ? epochs.map((_, lane) => ({ lane, minEpoch: fence })) : [],
    }),
  };
  const participants = new Participants({
    assessments: [await playService(t, assessments)],
    hiring: [await playService(t, hiring)],
  });
  t.after(() => participants.close());
  const link = (await participants.link(LINK))!;
  const reconcile = async (isRepairing: boolean) => {
    const of = { participants, link, consumer: 'hiring', sinceMs: 0, isRepairing, actor: 'ada' };
    const { entries } = await followPages(async (after: string | undefined) => {
      const { differences, next } = await comparePage(of, after ?? '');
      return { entries: differences, next: next || undefined };
    });
    return entries;
  };
  return { reconcile, backfilled, owner, replica };
}

function describing(side: 'produces' | 'consumes'): Played {
  const link = { id: LINK, kind: LinkKind.FORMAL, producer: 'assessments', consumers: ['hiring'] };
  return { describe: async () => ({ [side]: [link] }) };
}

/** All rows are in one bucket. */
function showing(rows: readonly Row[]): Played {
  const sum = () => rows.reduce((total, { hash, version }) => total + hash + 1_000n * version, 0n);
  return {
    getEntityDigest: async () => ({
      buckets: [{ bucket: 3, digest: { count: BigInt(rows.length), sum: String(sum()) } }],
    }),
    listEntityBucket: async () => ({ rows: rows.map((row) => ({ ...row })) }),
  };
}

describe('reconcile', { concurrency: 4 }, () => {
  it('lanes whose epoch is older than the consumer takes are named, and no others', async (t) => {
    const { reconcile } = await open(t, { epochs: [2n, 5n, 4n], fence: 5n });
    const found = await reconcile(true);
    assert.deepEqual(
      found.map(({ kind, lane, epoch, done }) => [kind, lane, epoch, done]),
      [
        ['behind', 0, 2n, undefined],
        ['behind', 2, 4n, undefined],
      ],
    );
    assert.match(
      found[0]!.proposal!,
      /takes nothing of this lane before epoch 5; relink link COMM-010/,
    );
  });

  it('a row that the replica lacks or has older is sent again as it is', async (t) => {
    const rows = [
      { key: 'a', version: 1n, hash: 7n },
      { key: 'b', version: 3n, hash: 8n },
    ];
    const { reconcile, backfilled } = await open(t, {
      owner: rows,
      replica: [{ key: 'b', version: 2n, hash: 5n }],
    });
    const proposed = await reconcile(false);
    assert.deepEqual(proposed.map(({ kind, key, version }) => [kind, key, version]).sort(), [
      ['row', 'a', 1n],
      ['row', 'b', 3n],
    ]);
    assert.ok(
      proposed.every(({ proposal }) => /assessments's state wins: .*--repair/.test(proposal!)),
    );
    const repaired = await reconcile(true);
    assert.ok(repaired.every(({ done }) => done === 'sent again'));
    assert.deepEqual(
      backfilled.map(({ raiseVersions }) => raiseVersions),
      [false],
    );
    assert.deepEqual(await reconcile(true), []);
  });

  it('a replica that is ahead gets the state of its owner under versions above its own', async (t) => {
    const { reconcile, backfilled, replica } = await open(t, {
      owner: [{ key: 'a', version: 2n, hash: 7n }],
      replica: [{ key: 'a', version: 4n, hash: 9n }],
    });
    await reconcile(true);
    assert.deepEqual(replica, [{ key: 'a', version: 5n, hash: 7n }]);
    assert.ok(backfilled.slice(1).every(({ raiseVersions }) => raiseVersions));
    assert.deepEqual(await reconcile(true), []);
  });

  it('a row that only the replica has is left to a person', async (t) => {
    const { reconcile, backfilled } = await open(t, {
      replica: [{ key: 'a', version: 1n, hash: 7n }],
    });
    const [row] = await reconcile(true);
    assert.deepEqual([row!.kind, row!.key, row!.version], ['row', 'a', 0n]);
    assert.match(row!.proposal!, /only hiring has it: a person makes it again at assessments/);
    assert.deepEqual(backfilled, []);
  });
});

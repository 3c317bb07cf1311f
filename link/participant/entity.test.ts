/** Row hashes against the examples of docs/protocol.md, and the columns that it names. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GetEntityDigestResponseSchema } from '../../gen/relink/v1/participant_pb.ts';
import { encode } from '../../rpc/definition.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { ratingReplica } from '../../services/bonuses/store/ratingReplicas.ts';
import { assessmentReplica } from '../../services/hiring/store/assessmentReplicas.ts';
import { candidateReplica } from '../../services/management/store/candidates.ts';
import { managerReplica } from '../../services/managerReplicas.ts';
import { codeIn, tableUnder } from '../../test/docs/pages.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { digestEntity, entityOf, listBucket } from './entity.ts';

const PAGE = 'docs/protocol.md';
const AS_EVER = { version: 0, asStored: false };

test('rows hash as in the examples', async () => {
  const { url } = await testDatabase({ after });
  const sql = connectPostgres(url, { name: 'entity', max: 1 });
  after(() => closePostgres(sql));
  await sql`create table manager_replicas
    (id uuid primary key, version int8, first_name text, last_name text)`;
  const entity = entityOf(managerReplica);
  const examples = tableUnder(PAGE, 'Row hashes', 1);
  assert.ok(examples.length > 0);
  for (const [key, version, columns, hash, bucket] of examples) {
    const [first = null, last = null] = codeIn(columns!);
    await sql`truncate manager_replicas`;
    await sql`insert into manager_replicas values (${codeIn(key!)[0]!}, ${version!}, ${first}, ${last})`;
    const [digest] = await digestEntity(sql, entity, 256, AS_EVER);
    assert.deepEqual(digest, { bucket: Number(bucket), count: 1, sum: hash });
    const [row] = await listBucket(sql, entity, {
      ...{ ...AS_EVER, buckets: 256, bucket: Number(bucket), after: '', limit: 1 },
    });
    assert.equal(String(row?.hash), hash);
  }
});

test('digests of as many buckets as may be asked for fit into one answer', () => {
  const digest = { count: 2n ** 31n - 1n, sum: String(-(2n ** 94n)) };
  const buckets = Array.from({ length: 65_536 }, (_, bucket) => ({ bucket, digest }));
  const { length } = encode(GetEntityDigestResponseSchema, { buckets });
  assert.ok(length < 4 * 2 ** 20, `${length} bytes`);
});

test('every formal link is there in each contract version that changed its columns', () => {
  const replicas = {
    'COMM-010': managerReplica,
    'COMM-020, COMM-021': assessmentReplica,
    'COMM-030': candidateReplica,
    'COMM-060': ratingReplica,
  };
  const expected = Object.entries(replicas).flatMap(([links, table]) => {
    const { key, version, forms } = entityOf(table);
    const isChanged = Object.keys(forms).length > 1;
    return Object.entries(forms).map(([contract, { texts }]) => [
      isChanged ? `${links} v${contract}` : links,
      ...[key, version, `${texts.length} columns`],
    ]);
  });
  const described = tableUnder(PAGE, 'Row hashes').map(([links, ...cells]) => {
    const [key, version, columns] = cells.map((cell) => codeIn(cell));
    return [links, ...key!, ...version!, `${columns!.length} columns`];
  });
  assert.deepEqual(described, expected);
});

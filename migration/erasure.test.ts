import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../runtime/postgres.ts';
import { testDatabase } from '../test/harness/postgres.ts';
import { Certificates } from './certificate.ts';
import { checkCertificate } from './certificateCheck.ts';
import type { ErasureStatement } from './erasure.ts';

const { url } = await testDatabase({ after });
await applyExpand(url, ['operator']);
const sql = connectPostgres(url, { name: 'erasure', max: 1 });
after(() => closePostgres(sql));

const statement: ErasureStatement = {
  kind: 'erasure',
  run: '018f0000-0000-7000-8000-000000000001',
  link: 'COMM-010',
  consumer: '',
  epoch: 7,
  version: 1,
  fields: ['first_name', 'last_name'],
  count: 400,
  searched: [{ place: 'hiring: table manager_replicas', entries: 400, found: 0 }],
  left_out: [],
};

test('an erasure is signed once, listed with the closings, and checked offline', async () => {
  const certificates = new Certificates(sql, 'test');
  await certificates.signErasure(statement);
  await certificates.signErasure(statement);
  const [listed, ...more] = await certificates.list({ link: 'COMM-010', limit: 9 });
  assert.deepEqual([listed?.kind, listed?.count, more.length], ['erasure', 400, 0]);
  const { publicKey: public_key, ...rest } = listed!;
  const checked = checkCertificate(JSON.stringify({ ...rest, public_key }), public_key);
  assert.ok(checked.isValid && checked.kind === 'erasure', JSON.stringify(checked));
});

test('one that left something, or searched nothing, is never signed', async () => {
  const certificates = new Certificates(sql, 'test');
  const left = { ...statement, epoch: 8, searched: [{ place: 'x', entries: 1, found: 1 }] };
  await assert.rejects(certificates.signErasure(left), RangeError);
  await assert.rejects(certificates.signErasure({ ...left, searched: [] }), RangeError);
});

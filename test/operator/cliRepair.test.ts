import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalJson } from '../../migration/signing.ts';
import {
  addLetter,
  jsonOf,
  LETTER_ID,
  RUN_ID,
  useFakeOperator,
  useFolder,
} from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();
const folder = useFolder();
const CERTIFICATE_ID = '0199c0de-0000-7000-8000-00000000c001';
const SCHEMA = join(import.meta.dirname, '..', '..', 'schemas', 'ManagerCreated.v0.json');

test('verify exits 7 and names examples when the sides differ', async () => {
  assert.equal((await run('verify', 'COMM-010')).exitCode, 0);
  operator.areSidesEqual = false;
  const ran = await run('verify', 'COMM-010');
  assert.equal(ran.exitCode, 7);
  assert.match(ran.stdout, /rows +differs +10,000 +9,999/);
  assert.match(ran.stdout, /for example key-7/);
});

test('dead letters are listed without and shown with their body', async () => {
  addLetter(operator);
  const listed = jsonOf(await run('dead-letters', 'list', '--json'));
  assert.equal(listed.total, 1);
  assert.equal(listed.dead_letters[0].id, LETTER_ID);
  const shown = jsonOf(await run('dead-letters', 'show', '0199c0de', '--json'));
  assert.equal(shown.dead_letter.body, '{"event_name":"ManagerCreated"}');
});

test('redrive says what became of the message and fails when it died again', async () => {
  addLetter(operator);
  const ran = await run('dead-letters', 'redrive', LETTER_ID, '--json');
  assert.equal(ran.exitCode, 0);
  assert.deepEqual(jsonOf(ran).redriven, [{ id: LETTER_ID, outcome: 'applied', detail: '' }]);
  operator.letters[0]!.body = '{"bad":true}';
  const again = await run('dead-letters', 'redrive', LETTER_ID);
  assert.equal(again.exitCode, 1);
  assert.match(again.stdout, /dead +\S+ +INVALID_EVENT/);
});

test('redrive --link retries all of a link, the versions of a key in their order, and only lists with --dry-run', async () => {
  const versions = [3n, 1n, 2n];
  for (const [i, entityVersion] of versions.entries()) {
    addLetter(operator);
    const id = `${LETTER_ID.slice(0, -1)}${i}`;
    Object.assign(operator.letters[i]!, { id, key: 'k', entityVersion });
  }
  const ids = [1, 2, 0].map((i) => operator.letters[i]!.id);
  const link = ['dead-letters', 'redrive', '--link', 'COMM-010'];
  const dry = jsonOf(await run(...link, '--dry-run', '--json'));
  assert.deepEqual(idsOf(dry.dead_letters), ids);
  assert.deepEqual(idsOf(jsonOf(await run(...link, '--json')).redriven), ids);
  assert.deepEqual(jsonOf(await run(...link, '--json')).redriven, [], 'nothing is left');
});

test('redrive wants either ids or a link', async () => {
  for (const args of [[], [LETTER_ID, '--link', 'COMM-010']]) {
    const ran = await run('dead-letters', 'redrive', ...args);
    assert.equal(ran.exitCode, 2);
    assert.match(ran.stderr, /Name either some dead letters or, with --link, a link/);
  }
});

function idsOf(all: { id: string }[]): string[] {
  return all.map(({ id }) => id);
}

test('discard keeps the reason', async () => {
  addLetter(operator);
  const ran = await run('dead-letters', 'discard', LETTER_ID, '--reason', 'test row');
  assert.equal(ran.exitCode, 0);
  assert.equal(operator.letters[0]!.state, 'discarded');
  assert.equal(operator.lastCall<{ reason: string }>('discard')!.reason, 'test row');
});

test('edit takes the body from a file, and without a terminal asks for that', async () => {
  addLetter(operator);
  const missing = await run('dead-letters', 'edit', LETTER_ID);
  assert.equal(missing.exitCode, 2);
  assert.match(missing.stderr, /--body-file is missing/);
  const file = join(folder(), 'body.json');
  await writeFile(file, '{\n  "fixed": true\n}\n');
  const ran = await run('dead-letters', 'edit', LETTER_ID, '--body-file', file, '--json');
  assert.deepEqual(jsonOf(ran), { id: LETTER_ID, revision: 2, changed: true });
  assert.equal(operator.letters[0]!.body, '{"fixed":true}');
});

test('edit refuses a file that is no JSON before anything is sent', async () => {
  addLetter(operator);
  const file = join(folder(), 'broken.json');
  await writeFile(file, '{');
  const ran = await run('dead-letters', 'edit', LETTER_ID, '--body-file', file);
  assert.equal(ran.exitCode, 2);
  assert.equal(operator.letters[0]!.revision, 1);
});

/** A certificate as the engine signs it, of one lane. */
function addCertificate(inboxCount: number, isNamed = true): string {
  const key = generateKeyPairSync('ed25519');
  const publicKey = key.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const signedAt = new Date().toISOString();
  const outcomes = { applied: inboxCount, superseded: 0, dead: 0, parked: 0 };
  const lane = {
    lane: 0,
    closed: { count: 7, sum: '99' },
    inbox: { count: inboxCount, sum: '99' },
  };
  const statement = canonicalJson({
    ...{ run: RUN_ID, link: 'COMM-010', producer: 'assessments', consumer: 'hiring', epoch: 3 },
    ...{ route: 'async v0', count: 7, lanes: [{ ...lane, outcomes }] },
    ...{ format: 1, ...(isNamed && { id: CERTIFICATE_ID }), signer: 'test', signed_at: signedAt },
  });
  operator.certificates.push({
    ...{ id: CERTIFICATE_ID, link: 'COMM-010', consumer: 'hiring', epoch: 3n, count: 7n },
    ...{ run: RUN_ID, kind: 'closing', equal: true, signedAt, statement, publicKey },
    signature: sign(null, Buffer.from(statement), key.privateKey).toString('base64'),
  });
  return publicKey;
}

async function exportCertificate(): Promise<string> {
  const file = join(folder(), 'certificate.json');
  const { stdout } = await run('certificate', 'show', CERTIFICATE_ID, '--json');
  await writeFile(file, stdout);
  return file;
}

test('certificate check accepts what show --json wrote, and the key that signed it', async () => {
  const publicKey = addCertificate(7);
  const file = await exportCertificate();
  const ran = await run('certificate', 'check', file, '--public-key', publicKey, '--json');
  assert.equal(ran.exitCode, 0);
  const { valid, certificates } = jsonOf(ran);
  assert.equal(valid, true);
  assert.equal(certificates[0].count, 7);
  assert.equal(certificates[0].problem, null);
});

test('certificate check exits 7 for a changed text, another key and unequal sides', async () => {
  addCertificate(7);
  const file = await exportCertificate();
  const other = await run('certificate', 'check', file, '--public-key', 'AAAA');
  assert.equal(other.exitCode, 7);
  assert.match(other.stdout, /another key signed it/);
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll('COMM-010', 'COMM-020'));
  const changed = await run('certificate', 'check', file);
  assert.equal(changed.exitCode, 7);
  assert.match(changed.stdout, /signature does not match/);
  operator.certificates.length = 0;
  addCertificate(6);
  const unequal = await run('certificate', 'check', await exportCertificate());
  assert.equal(unequal.exitCode, 7);
  assert.match(unequal.stdout, /not equal/);
});

test('certificate check exits 7 for what stands beside the statement and is not borne out by it', async () => {
  addCertificate(7);
  const file = await exportCertificate();
  const exported = JSON.parse(await readFile(file, 'utf8'));
  const others = {
    ...{ id: LETTER_ID, run: LETTER_ID, link: 'COMM-020', consumer: 'bonuses', kind: 'erasure' },
    ...{ equal: false, epoch: 4, count: 8, exceptions: 1, signed_at: null, publicKey: 'AAAA' },
    approved_by: 'ada',
  };
  const all = Object.entries(others).map(([name, value]) => ({ ...exported, [name]: value }));
  await writeFile(file, JSON.stringify({ certificates: all }));
  const ran = await run('certificate', 'check', file, '--json');
  assert.equal(ran.exitCode, 7);
  const problems: string[] = jsonOf(ran).certificates.map(
    (one: { problem: string }) => one.problem,
  );
  for (const [at, name] of Object.keys(others).entries())
    assert.match(problems[at]!, new RegExp(`\\b${name} beside the statement`), name);
});

test('certificate check of an older statement, which does not name its id, takes any', async () => {
  addCertificate(7, false);
  const file = await exportCertificate();
  const exported = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...exported, id: LETTER_ID }));
  assert.equal((await run('certificate', 'check', file)).exitCode, 0);
});

test('certificate check of no certificate is a usage error', async () => {
  assert.equal((await run('certificate', 'check', SCHEMA)).exitCode, 2);
  assert.equal((await run('certificate', 'check', join(folder(), 'none.json'))).exitCode, 2);
});

test('contracts list names every committed version', async () => {
  const { contracts } = jsonOf(await run('contracts', 'list', '--json'));
  const created = contracts.find(({ event }: { event: string }) => event === 'ManagerCreated');
  assert.equal(created.version, 0);
  assert.equal(created.file, 'ManagerCreated.v0.json');
});

test('contracts diff exits 4 and says who refuses what when a rule was tightened', async () => {
  const schema = JSON.parse(await readFile(SCHEMA, 'utf8'));
  schema.properties.payload.properties.first_name.maxLength = 10;
  schema.properties.payload.properties.nickname = { type: 'string' };
  const file = join(folder(), 'tightened.json');
  await writeFile(file, JSON.stringify(schema));
  const ran = await run('contracts', 'diff', 'ManagerCreated.v0', file);
  assert.equal(ran.exitCode, 4);
  assert.match(ran.stdout, /~ payload.first_name/);
  assert.match(ran.stdout, /\+ payload.nickname/);
  assert.match(ran.stdout, /new readers refuse old events: payload.first_name may have/);
  assert.match(ran.stdout, /old readers refuse new events: payload.nickname is not a field/);
  assert.match(ran.stdout, /\(\/properties\/payload\/properties\/first_name\/maxLength\)/);
  assert.equal((await run('contracts', 'diff', SCHEMA, SCHEMA)).exitCode, 0);
  assert.equal((await run('contracts', 'diff', 'ManagerCreated', 'v0', 'v0')).exitCode, 0);
});

test('contracts diff says which mapping leads to the other version nevertheless, and what it loses', async () => {
  const diff = async (...args: string[]) => (await run('contracts', 'diff', ...args)).stdout;
  const ran = await run('contracts', 'diff', 'AssessmentCreated', 'v0', 'v1', '--json');
  assert.equal(ran.exitCode, 4);
  assert.deepEqual(jsonOf(ran).mapping, {
    ...{ older: 0, newer: 1, loss: 'lossless', complement: [], drops: [], links: ['COMM-020'] },
  });
  assert.match(
    await diff('AssessmentCreated', 'v0', 'v1'),
    /a mapping leads from v0 to v1: lossless\n {2}relink plan COMM-020 --to v1 --way-back keep/,
  );
  assert.match(
    await diff('ManagerCreated', 'v0', 'v1'),
    /lossy with complement; v1 has no first_name and last_name, which the owner gives/,
  );
  assert.match(await diff('SolutionCompleted', 'v0', 'v1'), /v0 cannot hold accepted_by/);
  const other = await run('contracts', 'diff', SCHEMA, 'ManagerCreated.v1', '--json');
  assert.equal(jsonOf(other).mapping, null, 'a file may say something else');
});

test('contracts diff of a schema that it cannot compare is a usage error that names the keyword', async () => {
  const schema = JSON.parse(await readFile(SCHEMA, 'utf8'));
  schema.properties.payload.patternProperties = {};
  const file = join(folder(), 'odd.json');
  await writeFile(file, JSON.stringify(schema));
  const ran = await run('contracts', 'diff', SCHEMA, file);
  assert.equal(ran.exitCode, 2);
  assert.match(ran.stderr, /the keyword at \/properties\/payload\/patternProperties/);
});

test('contracts check exits 4 when a version that is in use is gone', async () => {
  const used = join(folder(), 'used');
  await mkdir(used);
  const schema = JSON.parse(await readFile(SCHEMA, 'utf8'));
  await writeFile(join(used, 'ManagerCreated.v0.json'), JSON.stringify(schema));
  assert.equal((await run('contracts', 'check', '--against', used)).exitCode, 0);
  schema.properties.event_name.const = 'ManagerForgotten';
  await writeFile(join(used, 'ManagerForgotten.v0.json'), JSON.stringify(schema));
  const ran = await run('contracts', 'check', '--against', used);
  assert.equal(ran.exitCode, 4);
  assert.match(ran.stdout, /incompatible +ManagerForgotten.v0/);
  assert.equal((await run('contracts', 'check', '--against', 'no-such-commit')).exitCode, 2);
});

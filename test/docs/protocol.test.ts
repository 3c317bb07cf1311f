/** docs/protocol.md says what the code does: its rules, its names, and its examples, which are run. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import * as events from '../../gen/events.ts';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { OutcomeSchema, ReceiptSchema } from '../../gen/relink/v1/receipt_pb.ts';
import { defineContract, encodeText } from '../../link/contracts/contract.ts';
import { payloadHash } from '../../link/contracts/payloadHash.ts';
import { laneOf, subjectOf } from '../../link/link.ts';
import { HEADER, METADATA } from '../../link/wire/headers.ts';
import { checkCertificate } from '../../migration/certificateCheck.ts';
import { links } from '../../services/links.ts';
import { blockOf, codeIn, filesEnding, read, section, tableUnder } from './pages.ts';

const PAGE = 'docs/protocol.md';
const CITED = /\brules? (\d+)\b/g;

test('the rules are numbered without a gap', () => {
  const rules = ruleNumbers();
  assert.ok(rules.length > 0);
  assert.deepEqual(
    rules,
    rules.map((_, at) => at + 1),
  );
});

test('every rule that code and pages cite is one of the protocol', () => {
  const rules = ruleNumbers();
  const cited = filesEnding(['.ts', '.md', '.proto', '.sql'])
    .filter((path) => !path.startsWith('test/docs/'))
    .flatMap((path) => citationsIn(path));
  assert.ok(cited.length >= 3, `only ${cited.length} citations found`);
  const wrong = cited.filter(({ rule }) => !rules.includes(rule));
  assert.deepEqual(wrong, []);
});

function ruleNumbers(): number[] {
  return [...section(PAGE, 'Rules').matchAll(/^### Rule (\d+):/gm)].map(([, rule]) => Number(rule));
}

/** A citation may be broken over two lines of a comment. */
function citationsIn(path: string) {
  const text = read(path).replace(/\s*\n\s*(?:\*|\/\/|--)?\s*/g, ' ');
  return [...text.matchAll(CITED)].map(([, rule]) => ({ path, rule: Number(rule) }));
}

test('lanes are as in the examples', () => {
  for (const [cell, crc, lane] of tableUnder(PAGE, 'Lanes and keys')) {
    const [key] = codeIn(cell!);
    assert.equal(`\`${crc32(key!).toString(16).padStart(8, '0')}\``, crc, key);
    assert.equal(laneOf(key!), Number(lane), key);
  }
});

test('every link is there with its kind, its key and whether it is ordered', () => {
  const expected = Object.values(links).map(({ id, kind, keyField, ordered }) => [
    ...[id, kind, `\`${keyField}\``, ordered ? 'yes' : ''],
  ]);
  assert.deepEqual(tableUnder(PAGE, 'Lanes and keys', 1), expected);
});

test('every method that carries a link is there with the cases of its event', () => {
  const expected = Object.values(links).flatMap(({ id, consumers }) =>
    Object.entries(consumers).map(([consumer, { push }]) => {
      const { parent, name, input } = push;
      const cases = input.oneofs.find((oneof) => oneof.name === 'event')!.fields;
      const shown = cases.map((field) => `\`${field.name}\``).join(' ');
      return [id, consumer, `\`${parent.typeName}/${name}\``, shown];
    }),
  );
  assert.deepEqual(tableUnder(PAGE, 'Events by gRPC'), expected);
});

test('every header and every metadata key is there, and no other', () => {
  const headers = tableUnder(PAGE, 'Events on JetStream', 1).map(([name]) => name);
  assert.deepEqual(sorted(headers), quoted(Object.values(HEADER)));
  const metadata = tableUnder(PAGE, 'Events by gRPC', 1).map(([name]) => name);
  assert.deepEqual(sorted(metadata), quoted(Object.values(METADATA)));
});

test('every call of a participant is there, in the order of the contract', () => {
  const calls = tableUnder(PAGE, 'Participant calls').map(([name]) => name);
  assert.deepEqual(
    calls,
    LinkParticipant.methods.map(({ name }) => `\`${name}\``),
  );
});

test('outcomes and receipts are there with their numbers', () => {
  const outcomes = tableUnder(PAGE, 'Receipts').map(([name, number]) => [name, Number(number)]);
  const known = OutcomeSchema.values.filter(({ number }) => number > 0);
  assert.deepEqual(
    outcomes,
    known.map(({ localName, number }) => [`\`${localName.toLowerCase()}\``, number]),
  );
  for (const { name, number } of ReceiptSchema.fields)
    assert.match(section(PAGE, 'Receipts'), new RegExp(`\`${name}\`\\s+=\\s+${number}\\b`));
});

// ---- examples ----

const examples = [
  { name: 'ManagerCreated.v0', event: events.managerCreatedV0 },
  { name: 'CandidateCreated.v0', event: events.candidateCreatedV0 },
] as const;

for (const { name, event } of examples)
  test(`the text of ${name} is what its value becomes`, () => {
    const contract = defineContract(event.message, event.schema);
    const value = JSON.parse(blockOf(PAGE, `json canonical-value ${name}`));
    assert.deepEqual(contract.findProblems(value), []);
    assert.equal(
      encodeText(contract, value as never),
      blockOf(PAGE, `json canonical-text ${name}`),
    );
  });

test('hashes are as in the examples', () => {
  for (const [id, what, begins, hash] of tableUnder(PAGE, 'Payload hash')) {
    const [eventId] = codeIn(id!) as [string];
    const [shown] = codeIn(what!) as [string];
    const text = what!.startsWith('the text of')
      ? blockOf(PAGE, `json canonical-text ${shown}`)
      : shown;
    const digest = createHash('sha256').update(`${eventId}\n${text}`).digest('hex');
    assert.equal(`\`${digest.slice(0, 16)}\``, begins, what);
    assert.equal(String(payloadHash(eventId, text)), hash, what);
  }
});

test('the subject in the example is that of the event in the example', () => {
  const { payload } = JSON.parse(blockOf(PAGE, 'json canonical-text ManagerCreated.v0'));
  const lane = laneOf(payload.manager_replication_id);
  const subject = subjectOf('COMM-010', lane, 0, 'ManagerCreated');
  assert.match(section(PAGE, 'Events on JetStream'), new RegExp(`\\s${subject}\n`));
});

test('the certificate in the example is valid, and names the fields that are signed', () => {
  const check = checkCertificate(blockOf(PAGE, 'json certificate'));
  assert.ok(check.isValid, JSON.stringify(check));
  const described = tableUnder(PAGE, 'Certificates').flatMap(([name]) => codeIn(name!));
  assert.deepEqual(sorted(described), Object.keys(check.statement).sort());
});

function quoted(names: readonly string[]): string[] {
  return sorted(names.map((name) => `\`${name}\``));
}

function sorted(names: readonly (string | undefined)[]): string[] {
  return names.map((name) => name ?? '').sort();
}

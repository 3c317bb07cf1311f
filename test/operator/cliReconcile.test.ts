import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import { jsonOf, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();
const ID = '0199c0de-0000-7000-8000-00000000e001';
const LOST = {
  ...{ kind: 'lost', eventId: ID, event: 'SolutionCompleted', key: 's1', version: 1n, epoch: 4n },
  proposal: 'send it again (--repair)',
};
const GAP = { kind: 'gap', key: 's1', version: 1n, eventId: ID, proposal: 'a person decides' };
const UNKNOWN = {
  ...{ kind: 'unknown', eventId: ID, key: 's2', version: 1n, epoch: 4n, outcome: Outcome.APPLIED },
  proposal: 'its effect stands',
};

interface Asked {
  link: string;
  consumer: string;
  repair: boolean;
  after: string;
  sinceUnixMs: bigint;
}

function asked(): Asked[] {
  return operator.calls
    .filter(({ method }) => method === 'reconcile')
    .map(({ request }) => request as Asked);
}

test('reconcile asks every leg to its last page, and exits 0 when nothing is missing', async () => {
  const ran = await run('reconcile');
  assert.equal(ran.exitCode, 0);
  assert.match(ran.stdout, /nothing is missing/);
  const legs = operator.links.flatMap(({ id, legs }) => legs.map((leg) => `${id} ${leg.consumer}`));
  const names = asked().map(({ link, consumer }) => `${link} ${consumer}`);
  assert.deepEqual(
    names,
    legs.flatMap((leg) => [leg, leg]),
  );
  assert.ok(asked().every(({ repair }) => !repair));
});

test('reconcile names what differs, says what to do, and exits 7', async () => {
  operator.differences.push(LOST, GAP, UNKNOWN);
  const ran = await run('reconcile', 'COMM-010', '--consumer', 'hiring');
  assert.equal(ran.exitCode, 7);
  assert.match(ran.stdout, new RegExp(`lost +${ID} +SolutionCompleted s1 v1, of epoch 4`));
  assert.match(ran.stdout, /gap +s1 lacks v1\n +it goes on when the lost one is sent again/);
  assert.match(ran.stdout, new RegExp(`unknown +${ID} +s2 v1, applied in epoch 4\n +its effect`));
  assert.match(ran.stdout, /3 left \(20 compared\)/);
  const { differences } = jsonOf(
    await run('reconcile', 'COMM-010', '--consumer', 'hiring', '--json'),
  );
  assert.equal(differences[2].outcome, 'applied');
  assert.equal(differences[0].link, 'COMM-010');
});

test('--repair exits 0 when everything was sent again, and 7 when a person has to decide', async () => {
  operator.differences.push(LOST);
  const one = ['reconcile', 'COMM-010', '--consumer', 'hiring', '--repair'];
  const ran = await run(...one);
  assert.equal(ran.exitCode, 0);
  assert.match(ran.stdout, /sent again/);
  operator.differences.push(UNKNOWN);
  assert.equal((await run(...one)).exitCode, 7);
});

test('--repair --dry-run changes nothing', async () => {
  operator.differences.push(LOST);
  const ran = await run('reconcile', 'COMM-010', '--repair', '--dry-run');
  assert.equal(ran.exitCode, 7);
  assert.ok(asked().every(({ repair }) => !repair));
});

test('--since takes a time or an age, and refuses what is neither', async () => {
  await run('reconcile', 'COMM-010', '--since', '2026-11-27T12:40:00Z');
  assert.equal(asked()[0]!.sinceUnixMs, BigInt(Date.parse('2026-11-27T12:40:00Z')));
  await run('reconcile', 'COMM-010', '--since', '90m');
  const age = Date.now() - Number(asked().at(-1)!.sinceUnixMs);
  assert.ok(age >= 5_400_000 && age < 5_460_000);
  const wrong = await run('reconcile', 'COMM-010', '--since', 'lunch');
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /must be a time, such as/);
});

test('reconcile of an unknown link suggests one', async () => {
  const ran = await run('reconcile', 'COMM-100');
  assert.equal(ran.exitCode, 2);
  assert.match(ran.stderr, /There is no link COMM-100/);
});

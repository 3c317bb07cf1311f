import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Replicas } from './replicas.ts';

/** What the addresses become where the name has these. */
async function knownOf(given: string[], ...answers: (readonly string[] | Error)[]) {
  const lookup = async () => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const replicas = new Replicas(given, { lookup, onChange: () => undefined });
  while (answers.length > 1) await replicas.look();
  await replicas.look();
  replicas.stop();
  return replicas.addresses;
}

test('each address that a name has is a process, and those that are given stay', async () => {
  const found = await knownOf(['hiring:7102', '10.0.0.9:7102'], ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(found, ['10.0.0.1:7102', '10.0.0.2:7102', '10.0.0.9:7102']);
});

test('one IPv4 and one IPv6 address are one process, several of both are counted once', async () => {
  assert.deepEqual(await knownOf(['localhost:1'], ['::1', '127.0.0.1']), ['localhost:1']);
  const both = ['fd00::1', 'fd00::2', '10.0.0.1', '10.0.0.2'];
  assert.deepEqual(await knownOf(['hiring:1'], both), ['10.0.0.1:1', '10.0.0.2:1']);
  assert.deepEqual(await knownOf(['hiring:1'], ['fd00::1', 'fd00::2']), [
    '[fd00::1]:1',
    '[fd00::2]:1',
  ]);
});

test('a name that has no answer keeps what it had, or stands for itself', async () => {
  const refused = new Error('ENOTFOUND');
  assert.deepEqual(await knownOf(['hiring:1'], refused), ['hiring:1']);
  assert.deepEqual(await knownOf(['hiring:1'], ['10.0.0.1'], refused), ['10.0.0.1:1']);
});

test('nobody is asked about addresses without a name', async () => {
  assert.deepEqual(await knownOf(['[::1]:1', '127.0.0.1:1'], new Error('asked')), [
    '[::1]:1',
    '127.0.0.1:1',
  ]);
});

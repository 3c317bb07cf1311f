/** What the command line says while a service does not answer: a list is then not the whole. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { addLetter, jsonOf, LETTER_ID, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();
const AWAY = { service: 'bonuses', why: 'Describe at 127.0.0.1:7104: UNAVAILABLE' };
beforeEach(() => {
  operator.unanswered.push(AWAY);
});

for (const command of [['links'], ['topology'], ['dead-letters', 'list']])
  test(`${command.join(' ')} prints what is known, who did not answer and why, and fails`, async () => {
    addLetter(operator);
    const ran = await run(...command, '--json');
    assert.equal(ran.exitCode, 1);
    assert.deepEqual(jsonOf(ran).unanswered, [AWAY]);
    assert.match(ran.stderr, /bonuses did not answer/);
    assert.match(ran.stderr, /bonuses: Describe at 127\.0\.0\.1:7104: UNAVAILABLE/);
    assert.match(ran.stderr, /next +relink topology/);
    const text = await run(...command);
    assert.match(text.stdout, /COMM-010/);
  });

test('an empty list of dead letters does not say that there are none', async () => {
  const { stdout } = await run('dead-letters', 'list');
  assert.match(stdout, /No dead letters at those that answered/);
});

test('a link that is not listed is not said to be unknown', async () => {
  const ran = await run('link', 'COMM-070');
  assert.equal(ran.exitCode, 1);
  assert.match(ran.stderr, /Whether COMM-070 exists is unknown: bonuses did not answer/);
});

test('an empty list of a link that may exist is not shown as the whole', async () => {
  const ran = await run('runs', '--link', 'COMM-070');
  assert.equal(ran.exitCode, 1);
  assert.match(ran.stderr, /Whether COMM-070 exists is unknown: bonuses did not answer/);
});

test('the beginning of an id could be that of another letter, so only the whole id discards one', async () => {
  addLetter(operator);
  const ran = await run('dead-letters', 'discard', '0199c0de', '--reason', 'test');
  assert.equal(ran.exitCode, 1);
  assert.match(ran.stderr, /only its whole id can say: bonuses did not answer/);
  const whole = await run('dead-letters', 'discard', LETTER_ID, '--reason', 'test');
  assert.equal(whole.exitCode, 0);
});

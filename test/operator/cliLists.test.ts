/** Lists that come in several pages: a person sees all that was asked for. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { addRun, jsonOf, useFakeOperator } from '../rigs/fakeOperator/setting.ts';

const { operator, run } = useFakeOperator();
const idOf = (turn: number) => `0199c0d${turn}-0000-7000-8000-00000000000${turn}`;
const TURNS = [1, 2, 3, 4, 5];

type Listed = { id: string }[];
const idsOf = (listed: Listed) => listed.map(({ id }) => id);

beforeEach(() => {
  operator.pageSize = 2;
  for (const turn of TURNS) {
    addRun(operator, 'completed', idOf(turn));
    operator.certificates.push({
      id: idOf(turn),
      link: 'COMM-010',
      signedAt: '2026-01-01T00:00:00Z',
    });
    operator.letters.push({ id: idOf(turn), state: 'dead', diedAt: '2026-01-01T00:00:00Z' });
  }
});

test('runs shows as many as are asked for, newest first, and where to go on', async () => {
  const all = jsonOf(await run('runs', '--json'));
  assert.deepEqual(idsOf(all.runs), TURNS.toReversed().map(idOf));
  assert.equal(all.next_id, '');
  const three = jsonOf(await run('runs', '--limit', '3', '--json'));
  assert.deepEqual(idsOf(three.runs), [5, 4, 3].map(idOf));
  assert.equal(three.next_id, idOf(3));
});

test('certificate list shows all of them', async () => {
  const { certificates } = jsonOf(await run('certificate', 'list', '--json'));
  assert.deepEqual(idsOf(certificates), TURNS.map(idOf));
});

test('dead-letters list shows as many as are asked for', async () => {
  const all = jsonOf(await run('dead-letters', 'list', '--json'));
  assert.deepEqual(idsOf(all.dead_letters), TURNS.map(idOf));
  const { stdout } = await run('dead-letters', 'list', '--limit', '3');
  assert.match(stdout, /and 2 more: --limit/);
});

test('a beginning of an id is looked for on every page', async () => {
  for (const command of ['certificate', 'dead-letters']) {
    const ran = await run(command, 'show', '0199c0d5', '--json');
    assert.equal(ran.exitCode, 0, ran.stderr);
  }
  assert.equal(jsonOf(await run('status', '0199c0d1', '--json')).run.id, idOf(1));
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import { messageOf } from './errors.ts';
import { createLog } from './log.ts';

const SKIP_FULL = process.platform !== 'linux' && 'only Linux has /dev/full';

function capture() {
  const lines: Record<string, unknown>[] = [];
  const write = (text: string) => void lines.push(JSON.parse(text));
  return { lines, log: createLog({ service: 'hiring', instance: 'i1', destination: { write } }) };
}

test('an entry names its service and instance and the level as a word', () => {
  const { lines, log } = capture();
  log.info({ lane: 3 }, 'lane adopted');
  const { service, instance, level, lane, msg } = lines[0] ?? {};
  assert.deepEqual(
    { service, instance, level, lane, msg },
    { service: 'hiring', instance: 'i1', level: 'info', lane: 3, msg: 'lane adopted' },
  );
});

test('event bodies and names of people are withheld', () => {
  const { lines, log } = capture();
  log.info({ payload: { first_name: 'Ada' }, manager: { firstName: 'Ada', nickname: 'A' } }, 'x');
  log.child({ link: 'COMM-010' }).warn({ row: { last_name: 'Lovelace' } }, 'y');
  assert.doesNotMatch(JSON.stringify(lines), /Ada|Lovelace|"A"/);
});

test('an error keeps code and cause but no values of rows or queries', () => {
  const { lines, log } = capture();
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    constraint_name: 'manager_pkey',
    detail: 'Key (first_name)=(Ada) already exists.',
    query: "insert into manager values ('Ada')",
  });
  log.error({ err: new AggregateError([new Error('close', { cause })], 'stop failed') }, 'stop');
  const text = JSON.stringify(lines);
  assert.doesNotMatch(text, /Ada/);
  assert.match(text, /23505/);
  assert.match(text, /manager_pkey/);
});

test('what PostgreSQL quotes of a value that it refuses is not written', () => {
  const { lines, log } = capture();
  const message = 'invalid input syntax for type uuid: "Ada "the\nCountess" Lovelace"';
  const err = Object.assign(new Error(message), { code: '22P02', severity: 'ERROR' });
  log.error({ err }, 'refused');
  assert.doesNotMatch(JSON.stringify(lines), /Ada|Countess|Lovelace/);
  assert.equal(messageOf(err), 'invalid input syntax for type uuid: "…"');
  const other = Object.assign(new Error('relation "x" does not exist'), { code: '42P01' });
  assert.equal(messageOf(other), 'relation "x" does not exist');
});

test('a process whose log has no room on its disk goes on', { skip: SKIP_FULL }, () => {
  const script = `
    import { createLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
    const log = createLog({ service: 'hiring' });
    for (const n of [1, 2, 3]) log.info({ n }, 'lost');
    setTimeout(() => process.stderr.write('goes on'), 1);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, 'goes on']);
});

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { forgetOld } from './forget.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'forget', max: 1 });
after(() => closePostgres(sql));

test('what is over is removed after its time, and what is open never', async () => {
  await sql`insert into relink.attempts (event_id, link, count, detail, last_at)
    select gen_random_uuid(), 'COMM-010', 1, '', now() - make_interval(days => 40 * (n % 2))
    from generate_series(1, 12000) n`;
  for (const [state, days] of [
    ['dead', 90],
    ['redriven', 40],
    ['discarded', 20],
  ] as const)
    await sql`insert into relink.dead_letters (id, link, lane, epoch, event, event_version, key,
        version, reason, detail, attempts, state, body, headers, died_at, ended_at)
      values (gen_random_uuid(), 'COMM-010', 0, 1, 'ManagerCreated', 0, 'ada', 1, 'HANDLER_FAILED',
        '', 5, ${state}, '{}', '{}', now() - make_interval(days => 90),
        now() - make_interval(days => ${days}))`;
  await sql`insert into relink.relays (instance, seen_at)
    values ('gone', now() - interval '1 day'), ('alive', now())`;
  await forgetOld(sql, 30);
  assert.equal((await sql`select from relink.attempts`).length, 6_000);
  assert.deepEqual(
    [...(await sql`select state from relink.dead_letters order by 1`.values())],
    [['dead'], ['discarded']],
  );
  assert.deepEqual([...(await sql`select instance from relink.relays`.values())], [['alive']]);
});

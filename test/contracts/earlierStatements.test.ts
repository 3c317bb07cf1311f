/**
 * The statements of the build before US-160 and US-170, word for word: on the expanded tables they
 * work as they did, and what they write is read right. That build may run beside this one.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { releaseLinks } from '../../link/release.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import {
  assessmentCreated,
  changeAssessment,
  writeAssessment,
} from '../../services/assessments/domain/assessment.ts';
import { registerManager } from '../../services/assessments/domain/manager.ts';
import { wholeTitleOf } from '../../services/assessments/domain/title.ts';
import {
  findAssessment,
  insertAssessment,
  saveAssessment,
} from '../../services/assessments/store/assessments.ts';
import { findManager, insertManager } from '../../services/assessments/store/managers.ts';
import { putAssessments } from '../../services/hiring/events/assessments.ts';
import { findAssessmentReplica } from '../../services/hiring/store/assessmentReplicas.ts';
import { links } from '../../services/links.ts';
import { findManagerReplica } from '../../services/managerReplicas.ts';
import { joinTitle, titleOfRow } from '../../services/mappings/titles.ts';
import { testDatabase } from '../harness/postgres.ts';
import { oddTitles } from './oddTitles.ts';

const INSERT_ASSESSMENT = `
    insert into assessments (id, version, author_id, title, exercises, created_at, updated_at)
    select $1::uuid, $2::int8, id, $3::text, $4::text::jsonb, $5::timestamptz, $6::timestamptz
    from managers where id = $7
    on conflict (id) do nothing returning id`;
const SELECT_ASSESSMENT = `select "id", "version", "author_id", "title", "exercises", "created_at",
  "updated_at" from "assessments" where "assessments"."id" = $1 for update`;
const UPDATE_ASSESSMENT = `update "assessments" set "version" = $1, "title" = $2, "exercises" = $3,
  "updated_at" = $4 where "assessments"."id" = $5`;
const INSERT_MANAGER = `insert into "managers" ("id", "version", "first_name", "last_name",
  "created_at", "updated_at") values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning "id"`;
const RENAME_MANAGER = `update "managers" set "version" = "managers"."version" + 1, "first_name" = $1,
  "updated_at" = $2 where "managers"."id" = $3
  returning "id", "version", "first_name", "last_name", "created_at", "updated_at"`;
const UPSERT_ASSESSMENT = `
    insert into "assessment_replicas" as stored ("id", "version", "author_id", "title", "exercises")
    select "id"::uuid, "version"::int8, "author_id"::uuid, "title"::text, "exercises"::jsonb
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as newer("id", "version", "author_id", "title", "exercises")
    on conflict ("id") do update
      set "version" = excluded."version", "author_id" = excluded."author_id", "title" = excluded."title", "exercises" = excluded."exercises"
      where excluded."version" > stored."version"
    returning "id"::text as key`;
const UPSERT_MANAGER = `
    insert into "manager_replicas" as stored ("id", "version", "first_name", "last_name")
    select "id"::uuid, "version"::int8, "first_name"::text, "last_name"::text
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as newer("id", "version", "first_name", "last_name")
    on conflict ("id") do update
      set "version" = excluded."version", "first_name" = excluded."first_name", "last_name" = excluded."last_name"
      where excluded."version" > stored."version"
    returning "id"::text as key`;

const NOW = new Date();
const AT = NOW.toISOString();
/** What runs beside the earlier build: it reads version 1 and writes version 0. */
const beside = releaseLinks(links, 'COMM-010=v1/v0,COMM-020=v1/v0,COMM-021=v1/v0');
const owner = await connect('assessments');
const hiring = await connect('hiring');

async function connect(service: DatabaseName): Promise<Database> {
  const fill = (url: string) => applyExpand(url, ['link', service]);
  const { url } = await testDatabase({ after }, { name: `service_${service}`, fill });
  const sql = connectPostgres(url, { name: service, max: 1 });
  after(() => closePostgres(sql));
  return sql;
}

function run(sql: Database, statement: string, parameters: readonly unknown[]) {
  return sql.unsafe(statement, parameters as never[]);
}

test('assessments of the earlier build and of this one are read and changed by each other', async () => {
  const author = registerManager(randomUUID(), { firstName: 'Emmy', lastName: 'N' }, NOW);
  await owner.begin((tx) => insertManager(tx, author));
  await fc.assert(
    fc.asyncProperty(oddTitles, oddTitles, async (first, second) => {
      const [earlier, ours] = [randomUUID(), randomUUID()];
      await run(owner, INSERT_ASSESSMENT, [earlier, '1', first, '[]', AT, AT, author.id]);
      const draft = { authorId: author.id, title: first, exercises: [] };
      const written = writeAssessment(ours, draft, NOW);
      await owner.begin((tx) => insertAssessment(tx, beside, written));
      for (const id of [earlier, ours]) {
        const [row] = await run(owner, SELECT_ASSESSMENT, [id]);
        assert.equal(row!.title, first, 'as the earlier build reads it');
        const known = (await findAssessment(owner, id))!;
        assert.equal(wholeTitleOf(known), first, 'as this one does');
        const changed = changeAssessment(known, { title: second }, NOW);
        await owner.begin((tx) => saveAssessment(tx, beside, changed));
        assert.equal((await run(owner, SELECT_ASSESSMENT, [id]))[0]!.title, second);
        await run(owner, UPDATE_ASSESSMENT, ['3', first, [], AT, id]);
        assert.equal(wholeTitleOf((await findAssessment(owner, id))!), first);
      }
    }),
    { numRuns: 20 },
  );
});

test('replicas of assessments that came as version 0 are read and replaced by either build', async () => {
  await fc.assert(
    fc.asyncProperty(oddTitles, oddTitles, async (first, second) => {
      const id = randomUUID();
      const draft = { authorId: randomUUID(), title: second, exercises: [] };
      const written = { ...writeAssessment(id, draft, NOW), version: 2n };
      const row = (version: string, title: string) => [
        [id],
        [version],
        [draft.authorId],
        [title],
        ['[]'],
      ];
      await run(hiring, UPSERT_ASSESSMENT, row('1', first));
      const whole = async () => joinTitle(titleOfRow((await findAssessmentReplica(hiring, id))!));
      assert.equal(await whole(), first);
      const { payload, event, version } = assessmentCreated(written);
      const change = { key: id, version, event, payload, contractVersion: 0, older: {} };
      await hiring.begin((tx) => putAssessments.apply(tx, [change]));
      const [stored] = await hiring`select title from assessment_replicas where id = ${id}`;
      assert.equal(stored!.title, second, 'as the earlier build reads it');
      await run(hiring, UPSERT_ASSESSMENT, row('3', first));
      assert.equal(await whole(), first);
    }),
    { numRuns: 20 },
  );
});

test('managers of the earlier build are read by this one, on both sides', async () => {
  const id = randomUUID();
  await run(owner, INSERT_MANAGER, [id, '1', 'Emmy', 'Noether', AT, AT]);
  await run(owner, RENAME_MANAGER, ['Amalie', AT, id]);
  const manager = (await findManager(owner, id))!;
  assert.deepEqual(
    [manager.firstName, manager.lastName, manager.version],
    ['Amalie', 'Noether', 2n],
  );
  await run(hiring, UPSERT_MANAGER, [[id], ['1'], ['Emmy'], ['Noether']]);
  await run(hiring, UPSERT_MANAGER, [[id], ['2'], ['Amalie'], ['Noether']]);
  const replica = (await findManagerReplica(hiring, id))!;
  assert.deepEqual([replica.firstName, replica.lastName], ['Amalie', 'Noether']);
  assert.equal(replica.nickname, manager.nickname);
});

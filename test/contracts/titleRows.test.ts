/** US-160 in both tables that have titles: whole or split, their rows say the same in each version. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { applyContract, applyExpand, type DatabaseName } from '../../db/schemaChanges.ts';
import { digestEntity, type EntityTable, entityOf } from '../../link/participant/entity.ts';
import { storeRows } from '../../link/participant/storing.ts';
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
  createdAssessmentSource,
  findAssessment,
  insertAssessment,
  saveAssessment,
} from '../../services/assessments/store/assessments.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { putAssessments } from '../../services/hiring/events/assessments.ts';
import {
  assessmentReplica,
  findAssessmentReplica,
} from '../../services/hiring/store/assessmentReplicas.ts';
import { links } from '../../services/links.ts';
import { joinTitle, titleOfRow } from '../../services/mappings/titles.ts';
import { testDatabase } from '../harness/postgres.ts';
import { oddTitles } from './oddTitles.ts';

const writingV0 = releaseLinks(links, 'COMM-020=v1/v0,COMM-021=v1/v0');
const writers = [writingV0, links];
const author = registerManager(randomUUID(), { firstName: 'Emmy', lastName: 'N' }, new Date());
const TITLES = 300;
const PAGE = 70;

const owner = await connect('assessments');
const hiring = await connect('hiring');
await owner.begin((tx) => insertManager(tx, author));

async function connect(service: DatabaseName): Promise<Database> {
  const fill = (url: string) => applyExpand(url, ['link', service]);
  const { url } = await testDatabase({ after }, { name: `service_${service}`, fill });
  const sql = connectPostgres(url, { name: service, max: 1 });
  after(() => closePostgres(sql));
  return sql;
}

/** Written by a build of the owner, and kept at hiring as the contract version has it. */
async function write(title: string, map: typeof links, carried: number): Promise<string> {
  const id = randomUUID();
  const written = writeAssessment(id, { authorId: author.id, title, exercises: [] }, new Date());
  const { payload, event, version } = assessmentCreated(written);
  await owner.begin((tx) => insertAssessment(tx, map, written));
  const change = { key: id, version, event, payload, contractVersion: carried, older: {} };
  await hiring.begin((tx) => putAssessments.apply(tx, [change]));
  return id;
}

async function clear(): Promise<void> {
  await owner`truncate assessments`;
  await hiring`truncate assessment_replicas`;
}

const sides: readonly (readonly [Database, EntityTable])[] = [
  [owner, createdAssessmentSource],
  [hiring, entityOf(assessmentReplica)],
];

/** What both sides must answer; that they do is asserted. */
async function digests(version: number, asStored: boolean) {
  const [theirs, ours] = await Promise.all(
    sides.map(([sql, entity]) => digestEntity(sql, entity, 4, { version, asStored })),
  );
  assert.deepEqual(ours, theirs, `both sides as version ${version}`);
  return theirs;
}

async function storeAll(version: number): Promise<void> {
  for (const [sql, entity] of sides)
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await storeRows(sql, entity, { version, after, limit: PAGE });
      assert.equal(page.left, 0);
      after = page.next;
    }
}

test('odd titles hash the same on both sides in either version, before and after they are stored otherwise', async () => {
  await clear();
  for (const [i, title] of fc.sample(oddTitles, TITLES).entries())
    await write(title, writers[i % 2]!, Math.floor(i / 2) % 2);
  const said = [await digests(0, false), await digests(1, false)];
  for (const version of [1, 0, 1, 0]) {
    await storeAll(version);
    assert.deepEqual([await digests(0, false), await digests(1, false)], said);
    assert.deepEqual(await digests(version, true), said[version], 'all rows are stored so');
    assert.notDeepEqual(await digests(1 - version, true), said[1 - version]);
  }
});

test('a title reads the same whichever build wrote it, last changed it, or brought it', async () => {
  await fc.assert(
    fc.asyncProperty(oddTitles, oddTitles, async (first, second) => {
      for (const [creates, changes] of [...writers, ...writers.toReversed()].map(
        (map, i) => [map, writers[i % 2]!] as const,
      )) {
        const id = await write(first, creates, 1);
        const created = (await findAssessment(owner, id))!;
        assert.equal(wholeTitleOf(created), first);
        const changed = changeAssessment(created, { title: second }, new Date());
        await owner.begin((tx) => saveAssessment(tx, changes, changed));
        assert.deepEqual(await findAssessment(owner, id), changed);
        assert.equal(wholeTitleOf(changed), second);
        assert.equal(joinTitle(titleOfRow((await findAssessmentReplica(hiring, id))!)), first);
      }
    }),
    { numRuns: 15 },
  );
});

test('the area is required once no title is whole, and the newest build works on', async () => {
  await clear();
  const id = await write('[A] x', writingV0, 0);
  const requireArea = async () => {
    await applyContract(owner, 'assessments', 'requireKnowledgeArea');
    await applyContract(hiring, 'hiring', 'requireKnowledgeArea');
  };
  await assert.rejects(requireArea, {
    code: 'SCHEMA_CHANGE_FAILED',
    message: /1 rows of assessments have their title whole; store them as version 1 first/,
  });
  await storeAll(1);
  await requireArea();
  await requireArea();
  const stored = (await findAssessment(owner, id))!;
  const changed = changeAssessment(stored, { knowledgeArea: '' }, new Date());
  await owner.begin((tx) => saveAssessment(tx, links, changed));
  await write('x', links, 1);
  await assert.rejects(write('x', writingV0, 1), { code: '23502' });
});

/**
 * COMM-020 and COMM-021 while builds of three releases write and read beside each other, as the
 * two-version rule allows; through the public API of each build.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { ALL_LANES } from '../../link/link.ts';
import { releaseLinks } from '../../link/release.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { createRpcServer, serve } from '../../rpc/server.ts';
import { registerManager } from '../../services/assessments/domain/manager.ts';
import { assessmentsHandlers } from '../../services/assessments/rpc/assessments.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { findAssessmentReplica } from '../../services/hiring/store/assessmentReplicas.ts';
import { links } from '../../services/links.ts';
import { joinTitle, splitTitle, titleOfRow } from '../../services/mappings/titles.ts';
import { oddTitles } from '../contracts/oddTitles.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';
import { flipRoute } from '../rigs/inProcess/routes.ts';
import { companyOracle } from '../rigs/oracle/companyOracle.ts';

const CREATED = 'COMM-020';
const UPDATED = 'COMM-021';
const R0 = 'COMM-020=v0/v0,COMM-021=v0/v0';
const R1 = 'COMM-020=v1/v0,COMM-021=v1/v0';
const R2 = '';
const TITLES = ['[Algebra] Groups', '[Algebra]', '[] x', ' [A] x', '[A [B]] x', '[数学] 𝔘', 'x'];
const author = registerManager(randomUUID(), { firstName: 'Emmy', lastName: 'N' }, new Date());

type Api = RpcClient<typeof AssessmentsService>;

/** The API of a build of the producer that runs beside others. */
async function startBuild(
  t: TestContext,
  company: InProcessCompany,
  instance: string,
  release: string,
): Promise<Api> {
  const { sql, kit } = await company.startNode('assessments', instance, release);
  const handlers = assessmentsHandlers({ sql, kit, links: releaseLinks(links, release) });
  const services = [serve(AssessmentsService, handlers)];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services, stopLimitMs: 100 });
  await server.start();
  t.after(() => server.stop());
  const client = createRpcClient(AssessmentsService, server.address(), { deadlineMs: 60_000 });
  t.after(() => client.close());
  return client;
}

function start(t: TestContext, hiring: string, assessments: string): Promise<InProcessCompany> {
  const release = { hiring, assessments };
  return InProcessCompany.start(t, { link: CREATED, beside: { [UPDATED]: 'async' }, release });
}

/** Created by one, changed by another to the next title, read by all. */
async function writeByEach(apis: readonly Api[], titles: readonly string[]) {
  const written = new Map<string, string>();
  for (const [i, first] of titles.entries())
    for (const creates of apis)
      for (const changes of apis) {
        const assessmentId = randomUUID();
        const title = titles[(i + 1) % titles.length]!;
        await creates.createAssessment({ assessmentId, authorId: author.id, title: first });
        await changes.updateAssessment({ assessmentId, title });
        written.set(assessmentId, title);
        for (const api of apis) {
          const { assessment } = await api.getAssessment({ assessmentId });
          const { knowledge_area, title: rest } = splitTitle(title);
          assert.deepEqual(
            [assessment!.title, assessment!.knowledgeArea, assessment!.titleWithoutArea],
            [title, knowledge_area, rest],
          );
        }
      }
  return written;
}

async function untilReplicated(company: InProcessCompany, written: Map<string, string>) {
  const all = async () => (await company.countOpen()) === 0;
  await until(all, { withinMs: 60_000, everyMs: 20, what: 'all is delivered' });
  const hiring = company.sqlOf.get('hiring')!;
  for (const [id, title] of written) {
    const replica = (await findAssessmentReplica(hiring, id))!;
    assert.deepEqual([replica.version, joinTitle(titleOfRow(replica))], [2n, title]);
  }
}

/** How many rows are stored whole and how many split, at the owner and at hiring. */
async function forms(company: InProcessCompany) {
  const count = (sql: typeof company.producer, table: string) =>
    sql.unsafe<{ whole: number; split: number }[]>(
      `select count(*) filter (where knowledge_area is null)::int as whole,
         count(knowledge_area)::int as split from ${table}`,
    );
  const [owner] = await count(company.producer, 'assessments');
  const [hiring] = await count(company.sqlOf.get('hiring')!, 'assessment_replicas');
  return { owner: { ...owner! }, hiring: { ...hiring! } };
}

async function routeVersion1(company: InProcessCompany): Promise<void> {
  for (const link of Object.values(company.links)) {
    const leg = { link, consumer: 'hiring', lanes: ALL_LANES, hold: false };
    await flipRoute(company.producer, { ...leg, transport: 'async', version: 1 });
  }
}

async function countBodies(company: InProcessCompany): Promise<number[]> {
  const rows = await company.sqlOf.get('hiring')!<{ version: number }[]>`
    select distinct event_version as version from relink.inbox order by 1`;
  return rows.map(({ version }) => version);
}

test('a build of before and one that reads version 1 write and read beside each other', async (t) => {
  const company = await start(t, R0, R0);
  await company.producer.begin((tx) => insertManager(tx, author));
  const apis = [
    await startBuild(t, company, 'assessments-2', R0),
    await startBuild(t, company, 'assessments-3', R1),
  ];
  await company.startNode('hiring', 'hiring-2', R1);
  const written = await writeByEach(apis, [...TITLES, ...fc.sample(oddTitles, 5)]);
  await untilReplicated(company, written);
  const all = { whole: written.size, split: 0 };
  assert.deepEqual(await forms(company), { owner: all, hiring: all });
  assert.deepEqual(await countBodies(company), [0]);
  await companyOracle(company);
});

test('builds that write version 0 and 1 run beside each other while the route moves to version 1', async (t) => {
  const company = await start(t, R1, R1);
  await company.producer.begin((tx) => insertManager(tx, author));
  const apis = [
    await startBuild(t, company, 'assessments-2', R1),
    await startBuild(t, company, 'assessments-3', R2),
  ];
  await company.startNode('hiring', 'hiring-2', R2);
  const titles = [...TITLES, ...fc.sample(oddTitles, 5)];
  const before = await writeByEach(apis, titles);
  await untilReplicated(company, before);
  const half = { whole: before.size / 2, split: before.size / 2 };
  const whole = { whole: before.size, split: 0 };
  assert.deepEqual(await forms(company), { owner: half, hiring: whole });
  await routeVersion1(company);
  const after = await writeByEach(apis, titles);
  await untilReplicated(company, after);
  const { hiring } = await forms(company);
  assert.ok(hiring.split > 0, JSON.stringify(hiring));
  assert.deepEqual(await countBodies(company), [0, 1]);
  await companyOracle(company);
});

test('the area may be given beside the title, and what does not fit is refused by its fields', async (t) => {
  const company = await start(t, R2, R2);
  await company.producer.begin((tx) => insertManager(tx, author));
  const api = await startBuild(t, company, 'assessments-2', R2);
  const authorId = author.id;
  const draft = { authorId, title: 'Groups', knowledgeArea: 'Algebra' };
  const { assessment } = await api.createAssessment(draft);
  const { assessmentId, title } = assessment!;
  assert.equal(title, '[Algebra] Groups');
  const wholeAfter = async (change: { title?: string; knowledgeArea?: string }) =>
    (await api.updateAssessment({ assessmentId, ...change })).assessment!.title;
  assert.equal(await wholeAfter({ knowledgeArea: 'Logic' }), '[Logic] Groups');
  assert.equal(await wholeAfter({ title: '[Algebra] Sets' }), '[Algebra] Sets');
  assert.equal(await wholeAfter({ title: 'Sets' }), 'Sets', 'an older client takes the area away');
  assert.equal(await wholeAfter({ title: 'Sets', knowledgeArea: 'Logic' }), '[Logic] Sets');
  assert.equal(await wholeAfter({ knowledgeArea: '' }), 'Sets');
  const refused = async (change: { title?: string; knowledgeArea?: string }, fields: string[]) => {
    const error = await api.updateAssessment({ assessmentId, ...change }).then(
      () => assert.fail('it was taken'),
      (error: { code: string; fields: readonly { field: string }[] }) => error,
    );
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.deepEqual(
      error.fields.map(({ field }) => field),
      fields,
    );
  };
  await refused({ knowledgeArea: 'A]' }, ['knowledge_area']);
  await refused({ knowledgeArea: 'A'.repeat(296) }, ['knowledge_area', 'title']);
  await refused({ knowledgeArea: 'Algebra', title: '[Algebra] Sets' }, ['title']);
});

/** The operator's own lists on a real database: short pages, and everything on them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  ListCertificatesRequestSchema,
  ListRunsRequestSchema,
} from '../gen/relink/v1/operator_pb.ts';
import { Certificates } from '../migration/certificate.ts';
import { Participants } from '../migration/participants.ts';
import { Journal } from '../migration/run/journal.ts';
import { RpcError } from '../rpc/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { noStreams, operatorDatabase, syncToAsync } from '../test/rigs/oneStep.ts';
import { operatorHandlers } from './api.ts';
import { Registrar } from './contracts/registrar.ts';
import { ContractRegistry } from './contracts/registry.ts';
import { Watchers } from './watchers.ts';

/** These handlers use nothing but their request. */
const CALL = undefined as never;
/** So large that two of them make a page. */
const TEXT_LENGTH = 400_000;
const PER_PAGE = 2;
const TURNS = [1, 2, 3, 4, 5];

const sql = await operatorDatabase({ after });
const journal = new Journal(sql);
const participants = new Participants({});
const registry = new ContractRegistry(sql);
const api = operatorHandlers({
  journal,
  certificates: new Certificates(sql, 'test'),
  participants,
  registry,
  registrar: new Registrar({ participants, registry, log: silentLog }),
  streams: noStreams,
  watchers: new Watchers(),
  areCommandsAllowed: false,
  missingOf: () => 0,
  wakeEngine: () => undefined,
});

const runs: string[] = [];
for (const turn of TURNS) {
  const { run } = await journal.create({ ...syncToAsync(['hiring']), link: `COMM-${turn}` }, []);
  runs.push(run.id);
}
// Two of the runs, and all certificates, are of the same moment.
await sql`update migration.runs set problem = repeat('x', ${TEXT_LENGTH})`;
await sql`update migration.runs set started_at = (select started_at from migration.runs
  where id = ${runs[1]!}) where id = ${runs[2]!}`;
for (const turn of TURNS)
  await sql`
    insert into migration.certificates (id, run_id, link, consumer, epoch, count, statement,
      signature, public_key, signed_at)
    values (gen_random_uuid(), ${runs[0]!}, 'COMM-1', 'hiring', ${turn}, 0,
      json_build_object('is', repeat('x', ${TEXT_LENGTH})), '', '', '2026-01-01')`;

/** Epochs or ids of all pages, in their order. */
async function follow<T>(ask: (afterId: string) => Promise<{ page: T[]; nextId: string }>) {
  const seen: T[] = [];
  let afterId = '';
  do {
    const { page, nextId } = await ask(afterId);
    assert.ok(page.length <= PER_PAGE, `${page.length} in a page`);
    seen.push(...page);
    afterId = nextId;
  } while (afterId !== '');
  return seen;
}

test('runs are listed newest first, each once, though their pages end early', async () => {
  const seen = await follow(async (afterId) => {
    const request = create(ListRunsRequestSchema, { afterId });
    const { runs: page = [], nextId = '' } = await api.listRuns(request, CALL);
    return { page: page.map(({ id }) => id!), nextId };
  });
  assert.deepEqual(seen, runs.toReversed());
});

test('certificates are listed each once, though their pages end early', async () => {
  const seen = await follow(async (afterId) => {
    const request = create(ListCertificatesRequestSchema, { afterId, link: 'COMM-1' });
    const { certificates: page = [], nextId = '' } = await api.listCertificates(request, CALL);
    return { page: page.map(({ epoch }) => Number(epoch)), nextId };
  });
  assert.deepEqual(seen.sort(), TURNS);
});

test('a page after what is not there is refused, for it would look like the end', async () => {
  const isRefused = (error: unknown) =>
    error instanceof RpcError && error.fields[0]?.field === 'after_id';
  for (const afterId of ['0199c0de-0000-7000-8000-00000000d001', '-'.repeat(36), 'x']) {
    const runsAfter = async () => api.listRuns(create(ListRunsRequestSchema, { afterId }), CALL);
    await assert.rejects(runsAfter, isRefused);
    const certificatesAfter = async () =>
      api.listCertificates(create(ListCertificatesRequestSchema, { afterId }), CALL);
    await assert.rejects(certificatesAfter, isRefused);
  }
});

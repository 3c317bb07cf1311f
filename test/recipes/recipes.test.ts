/**
 * What docs/recipes says is done in a copy of the project: a service and a link are added, and a
 * message of the link arrives at the service, on real PostgreSQL and NATS.
 */
import assert from 'node:assert/strict';
import { cp, readFile, rm, symlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { exists, makeRunDir } from '../../dev/servers/folders.ts';
import type { Stack } from '../../dev/stack.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { formatPeers } from '../../runtime/config.ts';
import { until } from '../harness/until.ts';
import { followRecipe } from './recipe.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
/** Not copied: data, and what is linked to instead. */
const LEFT_OUT = new Set(['.git', '.relink', '.cache', 'node_modules']);
/** As large as it must be: who knows candidates, who promotes them, who is told. */
const RUNNING = ['hiring', 'management', 'notices'];
const NOT_RUNNING = ['assessments', 'bonuses', 'finance'];
const NOBODY = '127.0.0.1:1';
/** A page has several commands, each with a limit of its own. */
const someCommands = { timeout: 900_000 };

describe('the recipes of docs/recipes', () => {
  let dir: string;
  let copy: string;
  let stack: Stack | undefined;
  before(async () => {
    dir = await makeRunDir('test-recipes');
    copy = join(dir, 'project');
    await cp(ROOT, copy, {
      recursive: true,
      filter: (path) => !LEFT_OUT.has(relative(ROOT, path)),
    });
    for (const name of ['node_modules', '.cache'])
      if (await exists(join(ROOT, name))) await symlink(join(ROOT, name), join(copy, name));
  });
  after(() =>
    cleanUpAll('the copy of the project', [
      async () => await stack?.stop(),
      () => rm(dir, { recursive: true, force: true }),
    ]),
  );

  const follow = async (name: string) =>
    followRecipe(await readFile(join(ROOT, 'docs', 'recipes', name), 'utf8'), copy);

  /** A module of the copy: it knows the service that was added. */
  const load = (path: string) => import(join(copy, path));

  it('add a service that the compiler takes', someCommands, () => follow('add-a-service.md'));

  it(
    'add a link that the compiler, the linter and the rules of the project take',
    someCommands,
    () => follow('add-a-link.md'),
  );

  it('bring a message of the new link to the new service, once', async () => {
    stack = await startCopy();
    const open = <S extends DescService>(service: S, name: string) =>
      createRpcClient(service, stack!.addresses.services[name]![0]!.grpc);
    const { NoticesService } = await load('gen/notices/v1/notices_service_pb.ts');
    const hiring = open(HiringService, 'hiring');
    const management = open(ManagementService, 'management');
    const notices = open(NoticesService as DescService, 'notices') as unknown as NoticesClient;
    try {
      const { candidate } = await hiring.registerCandidate({ name: 'Emmy Noether' });
      const { candidateId } = candidate!;
      const promote = () => management.promoteCandidate({ candidateId });
      await until(() => promote(), { what: 'management promotes' });
      const told = await until(
        async () => {
          const { notices: found } = await notices.listNotices({ personId: candidateId });
          return found.length > 0 ? found : undefined;
        },
        { what: 'the new teacher is told' },
      );
      await promote();
      assert.deepEqual(
        told?.map(({ text }) => text),
        ['You are a teacher now.'],
      );
      const again = await notices.listNotices({ personId: candidateId });
      assert.equal(again.notices.length, 1);
    } finally {
      for (const client of [hiring, management, notices]) client.close();
    }
  });

  it(
    'add an event that its consumers must handle, and a version of one with its mapping',
    someCommands,
    () => follow('add-an-event.md'),
  );

  interface NoticesClient {
    listNotices(request: { personId: string }): Promise<{ notices: { text: string }[] }>;
    close(): void;
  }

  async function startCopy(): Promise<Stack> {
    const { startStack }: typeof import('../../dev/stack.ts') = await load('dev/stack.ts');
    const { freeStackPorts }: typeof import('../../dev/ports.ts') = await load('dev/ports.ts');
    const ports = await freeStackPorts();
    const peers = [
      ...RUNNING.map((name) => [name, [`127.0.0.1:${ports.services[name]!.grpc}`]] as const),
      ...NOT_RUNNING.map((name) => [name, [NOBODY]] as const),
    ];
    return startStack({
      dataDir: join(dir, 'data'),
      ports,
      only: [...RUNNING, 'operator'],
      env: {
        RELINK_LOG_LEVEL: 'warn',
        RELINK_PEERS: formatPeers(
          Object.fromEntries(peers.map(([name, addresses]) => [name, [...addresses]])),
        ),
      },
    });
  }
});

/**
 * COMM-010 gets its version 1, and goes back, while builds of three releases write and read it: what
 * the replicas show in each phase, and that both sides can prove it.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { applyContract } from '../../db/schemaChanges.ts';
import { ALL_LANES } from '../../link/link.ts';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { digestEntity, entityOf } from '../../link/participant/entity.ts';
import { raiseVersions, storeRows } from '../../link/participant/storing.ts';
import { parseReleases, releasedAs } from '../../link/release.ts';
import {
  managerCreated,
  managerUpdated,
  registerManager,
} from '../../services/assessments/domain/manager.ts';
import {
  insertManager,
  managerSource,
  renameManager,
} from '../../services/assessments/store/managers.ts';
import { findManagerReplica, managerReplica } from '../../services/managerReplicas.ts';
import { nicknameOf } from '../../services/mappings/nicknames.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany } from '../rigs/inProcess/company.ts';
import { digestsEqual } from '../rigs/oracle/linkOracle.ts';

const LINK = 'COMM-010';
const CONSUMERS = ['hiring', 'bonuses'] as const;
/** What builds read and write: `R0` knows no version 1, `R1` reads it, `R2` writes it. */
const RELEASES = { R0: `${LINK}=v0/v0`, R1: `${LINK}=v1/v0`, R2: '' } as const;
type Build = keyof typeof RELEASES;
/** Names of any alphabet, and of words that nicknames are made of. */
const NAMES = [
  ['Ada', 'Lovelace'],
  ['Софья', 'Ковалевская'],
  ['祖', '冲之'],
  ['محمد', 'الخوارزمي'],
  ['Calm', 'Otter'],
  ['🧨', "O'Neill; drop table"],
] as const;

const company = await InProcessCompany.start(
  { after },
  { link: LINK, release: { assessments: RELEASES.R1, hiring: RELEASES.R0, bonuses: RELEASES.R0 } },
);
const { producer } = company;
/** Names by id, as their owner has them now. */
const managers = new Map<string, readonly [string, string]>();

async function write(build: Build, id: string, names: readonly [string, string]): Promise<void> {
  const link = releasedAs(company.link, parseReleases(RELEASES[build]).get(LINK));
  const [firstName, lastName] = names;
  await producer.begin(async (tx) => {
    const manager = registerManager(id, { firstName, lastName }, new Date());
    const isNew = await insertManager(tx, manager);
    const message = isNew
      ? managerCreated(manager)
      : managerUpdated((await renameManager(tx, id, { firstName, lastName }, new Date()))!);
    await enqueue(tx, link, [message]);
    const [row] = await tx<{ body: string }[]>`select body from relink.outbox where key = ${id}`;
    assert.equal(row!.body.includes('first_name'), build !== 'R2');
    if (build === 'R0') await tx`update managers set nickname = null where id = ${id}`;
  });
  managers.set(id, names);
}

/** A build registers a manager for each of the names, and renames those of other builds. */
async function registerAndRename(build: Build): Promise<void> {
  const known = [...managers.keys()];
  for (const names of NAMES) await write(build, randomUUID(), names);
  for (const id of known.slice(0, NAMES.length)) await write(build, id, [`${build}`, 'renamed']);
  await untilClosed();
}

async function untilClosed(): Promise<void> {
  await until(async () => (await company.countOpen()) === 0, {
    withinMs: 60_000,
    what: 'every message is closed',
  });
}

const sqlOf = (service: string) => company.sqlOf.get(service)!;

/** What each replica shows of a manager. */
function shownOf(id: string) {
  return Promise.all(
    CONSUMERS.map(async (name) => {
      const row = (await findManagerReplica(sqlOf(name), id))!;
      return [row.nickname, row.firstName, row.lastName];
    }),
  );
}

async function assertShown(ids: Iterable<string>, isNamed: boolean): Promise<void> {
  for (const id of ids) {
    const names = isNamed ? managers.get(id)! : [null, null];
    const shown = [nicknameOf(id), ...names];
    assert.deepEqual(await shownOf(id), [shown, shown], id);
  }
}

/** Whether owner and replicas have the same digests. */
async function areEqual(version: number, asStored: boolean): Promise<boolean> {
  const terms = { version, asStored };
  const owner = await digestEntity(producer, managerSource, 16, terms);
  assert.ok(owner.length > 0);
  const equal = CONSUMERS.map(async (name) => {
    const digests = await digestEntity(sqlOf(name), entityOf(managerReplica), 16, terms);
    return JSON.stringify(digests) === JSON.stringify(owner);
  });
  return (await Promise.all(equal)).every((one) => one);
}

async function assertSettledEqually(): Promise<void> {
  const { link, fixture } = company;
  const options = { link, fixture, producer, consumers: {} };
  for (const name of CONSUMERS) await digestsEqual(options, sqlOf(name), name);
}

/** Restarts a service's process as another build. */
async function release(service: string, build: Build): Promise<void> {
  await company.stopNode(`${service}-1`);
  await company.startNode(service, `${service}-1`, RELEASES[build]);
}

async function carry(version: number): Promise<void> {
  for (const name of CONSUMERS) {
    await company.flip(name, ALL_LANES, 'sync', true, version);
    await company.waitUntilAdopted(name);
  }
}

/** Rewrites the rows of both sides; answers how many the replicas could not. */
async function storeAll(version: number): Promise<number> {
  const page = { version, after: '', limit: 1_000 };
  await storeRows(producer, managerSource, page);
  let lacking = 0;
  for (const name of CONSUMERS) {
    lacking += (await storeRows(sqlOf(name), entityOf(managerReplica), page)).left;
  }
  return lacking;
}

test('builds that know no nicknames and builds that read them write the names, and both are read', async () => {
  await registerAndRename('R0');
  // As builds store it that do not know the column.
  for (const name of CONSUMERS) await sqlOf(name)`update manager_replicas set nickname = null`;
  await release('hiring', 'R1');
  await registerAndRename('R1');
  await registerAndRename('R0');
  await assertShown(managers.keys(), true);
  await assertSettledEqually();
  assert.ok((await areEqual(0, true)) && (await areEqual(1, false)));
});

test('what a build writes without names travels with them while the route carries version 0', async () => {
  for (const service of [...CONSUMERS, 'assessments']) await release(service, 'R2');
  await registerAndRename('R2');
  await registerAndRename('R1');
  await assertShown(managers.keys(), true);
  await assertSettledEqually();
  assert.ok((await areEqual(0, true)) && (await areEqual(1, false)));
});

test('version 1 brings the nickname alone, and rows of before are stored so where they are', async () => {
  await carry(1);
  const before = new Set(managers.keys());
  await registerAndRename('R2');
  await registerAndRename('R1');
  await assertShown(
    [...managers.keys()].filter((id) => !before.has(id)),
    false,
  );
  await assertSettledEqually();
  assert.ok(await areEqual(1, false));
  assert.equal(await storeAll(1), 0);
  assert.ok(await areEqual(1, true));
  assert.ok(!(await areEqual(0, false)), 'names of renamed managers are old');
});

test('back on version 0 what replicas lack is raised and sent again, with the names', async () => {
  await carry(0);
  assert.equal(await storeAll(0), 0);
  assert.ok(!(await areEqual(0, true)), 'replicas cannot make names');
  await producer.begin(async (tx) => {
    await raiseVersions(tx, managerSource, [...managers.keys()]);
    const page = await managerSource.page(tx, { afterKey: '', limit: 1_000, keys: [] });
    await enqueue(tx, company.link, page);
  });
  await untilClosed();
  await assertShown(managers.keys(), true);
  await assertSettledEqually();
  assert.ok((await areEqual(0, true)) && (await areEqual(1, false)));
});

test('the newest build goes on once the names are dropped', async () => {
  await carry(1);
  await registerAndRename('R2');
  assert.equal(await storeAll(1), 0);
  for (const name of CONSUMERS)
    for (const _ of ['first', 'repeated'])
      await applyContract(sqlOf(name), name, 'dropManagerNames');
  await applyContract(producer, 'assessments', 'requireNicknames');
  await registerAndRename('R2');
  await assertShown(managers.keys(), false);
  assert.ok(await areEqual(1, true));
  assert.ok(!(await areEqual(0, false)), 'it can still be asked for');
  await assertSettledEqually();
});

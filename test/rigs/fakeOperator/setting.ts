/** What the tests of one file share: an operator with links, without runs at the start of each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import type { RunStatus } from '../../../gen/relink/v1/operator_pb.ts';
import { type Ran, relink } from '../cli.ts';
import { FakeOperator } from './fakeOperator.ts';
import { PLAN } from './links.ts';

export const RUN_ID = '0199c0de-0000-7000-8000-000000000001';
export const LETTER_ID = '0199c0de-0000-7000-8000-00000000d001';

/** Starts an operator before the tests of the calling file and stops it after them. */
export function useFakeOperator() {
  const operator = new FakeOperator();
  before(() => operator.start());
  afterEach(() => operator.forget());
  after(() => operator.stop());
  return { operator, run: (...args: string[]) => relink(operator.address, ...args) };
}

/** The path of a folder that is gone after the tests of the calling file. */
export function useFolder(): () => string {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relink-cli-'));
  });
  after(() => rm(folder, { recursive: true }));
  return () => folder;
}

export function jsonOf({ stdout }: Ran) {
  return JSON.parse(stdout);
}

/** A run that began a minute ago. */
export function addRun(operator: FakeOperator, state = 'running', id = RUN_ID): RunStatus {
  const startedAt = new Date(Date.now() - 60_000).toISOString();
  const move = { link: 'COMM-010', from: 'sync', to: 'async', wayBack: 'keep', actor: 'ada' };
  return operator.addRun({
    run: { ...move, id, state, startedAt },
    steps: PLAN.map((step) => ({ ...step, state: 'pending' })),
  });
}

export function addLetter(operator: FakeOperator): void {
  operator.letters.push({
    ...{ id: LETTER_ID, link: 'COMM-010', consumer: 'hiring', eventName: 'ManagerCreated' },
    ...{ reason: 'INVALID_EVENT', diedAt: new Date().toISOString(), state: 'dead', revision: 1 },
    body: '{"event_name":"ManagerCreated"}',
  });
}

/**
 * A million managers, a hundred updates a second: COMM-010 moves with parity and backfill, and callers
 * hardly notice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeMs } from '../../bench/measure.ts';
import { pause } from '../../runtime/wake.ts';
import { relink } from '../rigs/cli.ts';
import { ProcessCompany } from '../rigs/processes/company.ts';
import { Figures, sized } from './figures.ts';
import { fillManagers } from './filled.ts';
import { p99 } from './steady.ts';

const LINK = 'COMM-010';
const MANAGERS = sized(1_000_000, 5_000);
const PER_SECOND = sized(100, 20);
/** So many of them, in turn. */
const CHANGED = 1_000;
const BEFORE_MS = sized(30_000, 5_000);
const SLOWER_AT_MOST = 1.2;
/** That the gates wait for a busy machine is no fault of the move. */
const SETTINGS = ['patience_seconds=3000', 'latency_limit_ms=600000', 'error_rate_limit=0.5'];

test(`${LINK} moves with ${MANAGERS} managers, ${PER_SECOND} of which change every second`, async (t) => {
  const figures = new Figures(t);
  const company = await ProcessCompany.start({ withOperator: true });
  t.after(() => company.stop());
  const assessments = company.database('assessments');
  await fillManagers(assessments, MANAGERS);
  const changed = await assessments<{ id: string }[]>`select id from managers limit ${CHANGED}`;

  /** Changes managers until `work` ends; answers how long callers waited, and how many were refused. */
  const during = async (work: () => Promise<unknown>) => {
    const stopping = new AbortController();
    const [tookMs, failures]: [number[], unknown[]] = [[], []];
    const change = async (nth: number) => {
      const { id: managerId } = changed[nth % changed.length]!;
      const request = { managerId, firstName: 'Ada', lastName: `Lovelace ${nth}` };
      await timeMs(() => company.clients.assessments.updateManager(request)).then(
        (ms) => tookMs.push(ms),
        (error: unknown) => failures.push(error),
      );
    };
    const changing = (async () => {
      const under: Promise<void>[] = [];
      while (await pause(1_000 / PER_SECOND, stopping.signal)) under.push(change(under.length));
      await Promise.all(under);
    })();
    try {
      await work();
    } finally {
      stopping.abort();
      await changing;
    }
    return { p99: p99(tookMs), failures };
  };

  const before = await during(() => pause(BEFORE_MS));
  let movedMs = 0;
  const moving = await during(async () => {
    const { operator } = company.stack.addresses;
    const sets = SETTINGS.flatMap((one) => ['--set', one]);
    movedMs = await timeMs(async () => {
      const args = ['start', LINK, '--to', 'async', '--way-back', 'none', '--yes', ...sets];
      const { exitCode, stderr } = await relink(operator.grpc, ...args);
      assert.equal(exitCode, 0, stderr);
    });
  });
  figures.note('managers, moved with parity and backfill in', movedMs / 1_000, 's');
  figures.note('managers, p99 of callers before', before.p99, 'ms');
  figures.note('managers, p99 of callers meanwhile', moving.p99, 'ms');
  figures.note('managers, p99 ÷ before', moving.p99 / before.p99, '', { atMost: SLOWER_AT_MOST });
  figures.note('managers, requests that failed', moving.failures.length, '', { atMost: 0 });
  await company.assertNothingLost(LINK);
  figures.judge();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CertificateSchema } from '../../gen/relink/v1/operator_pb.ts';
import { plainPaint, widthOf } from '../../operator/cli/output/paint.ts';
import type { Migration } from '../migrations/migration.ts';
import { type Case, caseOf, type Damage, type Finding } from '../oracle/findings.ts';
import { damageWithin, type MigrationSpan } from '../oracle/migrationSpan.ts';
import { buildReport, type DemoReport } from './report.ts';
import { describeReport } from './summary.ts';

const LATENCY = { count: 100, p50Ms: 1, p99Ms: 8.44, maxMs: 20 };

const SPAN: MigrationSpan = {
  link: 'COMM-010',
  fromMs: 1_000,
  toMs: 13_340,
  before: new Map([['ada', 2n]]),
  after: new Map([
    ['ada', 4n],
    ['emmy', 1n],
  ]),
};

const TRAFFIC: DemoReport['traffic'] = {
  rate_per_second: 200,
  requests: 10,
  failed: 0,
  not_yet: 1,
  repeated: 0,
  shed: 0,
  applied: 10,
  pending: 10,
  managers: 2,
  acknowledged: 10,
  actions: { registerManager: 2, submit: 8 },
  errors: [],
};

const MONEY = {
  credits: 3,
  debits: 1,
  credited_minor: 15_000,
  debited_minor: 5_000,
  owed_minor: 10_000,
  transfers: 4,
  paid_minor: 10_000,
  ledger_sum_minor: 0,
};

function migration(overrides: Partial<Migration> = {}): Migration {
  const consumers = ['hiring', 'bonuses'];
  return {
    link: 'COMM-010',
    from: 'sync',
    to: 'async',
    run: '0199b0de-0000-7000-8000-000000000001',
    state: 'completed',
    problem: '',
    span: SPAN,
    delays: [
      { messages: 40, p99Ms: 9, maxMs: 100.26 },
      { messages: 41, p99Ms: 11.04, maxMs: 90 },
    ],
    failedRequests: 0,
    requests: { before: LATENCY, during: { ...LATENCY, p99Ms: 12 } },
    certificates: consumers.map((consumer) => ({
      certificate: create(CertificateSchema, {
        ...{ kind: 'closing', consumer, epoch: 1n, count: 7n, equal: true },
      }),
      isEqual: true,
      problem: '',
    })),
    uncertified: 0,
    ...overrides,
  };
}

function report(migrations: Migration[], findings: Finding[] = []): DemoReport {
  const checks = [{ claim: 'all is equal', findings }];
  const judgement = { checks, findings, money: MONEY, holds: findings.length === 0 };
  return buildReport({ migrations, planned: 1, judgement, traffic: TRAFFIC });
}

function finding(damage: Damage, cases: Case[], consumer = 'hiring'): Finding {
  return { damage, link: 'COMM-010', consumer, sentence: `${damage} at ${consumer}`, cases };
}

test('the report has the published shape', () => {
  const made = JSON.parse(JSON.stringify(report([migration()]))) as DemoReport;
  assert.deepEqual([made.ok, made.money], [true, MONEY]);
  const { link, from, to, messages, lost, doubled, reordered } = made.migrations[0]!;
  assert.deepEqual([link, from, to, messages], ['COMM-010', 'sync', 'async', 81]);
  assert.deepEqual([lost, doubled, reordered], [0, 0, 0]);
  const { delivery_pause_ms_max, failed_requests, certificates } = made.migrations[0]!;
  assert.deepEqual([delivery_pause_ms_max, failed_requests], [100.3, 0]);
  assert.deepEqual(certificates[1], {
    id: '',
    kind: 'closing',
    consumer: 'bonuses',
    epoch: 1,
    count: 7,
    equal: true,
  });
});

test('a report is ok only when everything is proven', () => {
  const [hiring, bonuses] = migration().certificates;
  const unequal = { ...hiring!, isEqual: false };
  assert.equal(report([migration()]).ok, true);
  assert.equal(report([]).ok, false);
  assert.equal(report([migration({ state: 'rolled_back' })]).ok, false);
  assert.equal(report([migration({ certificates: [hiring!], uncertified: 1 })]).ok, false);
  // An old route that carried nothing, such as pull, leaves nothing to certify.
  assert.equal(report([migration({ certificates: [] })]).ok, true);
  assert.equal(report([migration({ certificates: [unequal, bonuses!] })]).ok, false);
  assert.equal(report([migration()], [finding('leftover', [caseOf('ada', 1n)])]).ok, false);
});

test('damage counts against the migration during which the message was written', () => {
  const within = (cases: Case[]) => damageWithin([finding('lost', cases)], 'lost', SPAN);
  assert.equal(within([caseOf('ada', 4n, { writtenMs: 2_000 })]), 1);
  assert.equal(within([caseOf('ada', 4n, { writtenMs: 20_000 })]), 0);
  // Without a time: by the versions that the manager reached meanwhile.
  assert.equal(within([caseOf('ada', 2n), caseOf('ada', 3n), caseOf('ada', 4n)]), 2);
  assert.equal(within([caseOf('ada', 5n), caseOf('emmy', 1n)]), 1);
  // With neither, it counts against every migration.
  assert.equal(within([caseOf('lane 3 epoch 7', 0n, { count: 5 })]), 5);
  // Damage of another link is not this migration's.
  const other = { ...finding('lost', [caseOf('ada', 3n)]), link: 'COMM-021' };
  assert.equal(damageWithin([other], 'lost', SPAN), 0);
});

test('one lost message that shows in several checks counts once per consumer', () => {
  const findings = [
    finding('lost', [caseOf('ada', 3n)]),
    finding('lost', [caseOf('lane 3 epoch 7', 0n)]),
    finding('lost', [caseOf('ada', 3n)], 'bonuses'),
  ];
  const made = report([migration()], findings);
  assert.equal(made.migrations[0]?.lost, 2);
  assert.equal(made.oracle.totals.lost, 2);
  assert.deepEqual(made.oracle.findings[0]?.examples, ['ada v3']);
});

test('the summary fits 80 columns and says what is wrong', () => {
  const both = [migration(), migration({ from: 'async', to: 'sync' })];
  const good = describeReport(report(both), { width: 80, paint: plainPaint });
  assert.ok(good.every((line) => widthOf(line) <= 80));
  const table = good.join('\n');
  assert.match(table, / COMM-010 sync → async +81 +0 +0 +0 +100 ms +0 +2 equal\n/);
  assert.match(table, / COMM-010 async → sync +81 /);
  assert.match(table, /p99 8\.4 ms before, at most 12 ms during/);
  const bad = describeReport(report(both, [finding('lost', [caseOf('ada', 3n)])]), {
    width: 80,
    paint: plainPaint,
  }).join('\n');
  assert.match(bad, /✗ all is equal/);
  assert.match(bad, /COMM-010 lost: 1 lost at hiring\n {5}ada v3/);
  assert.match(bad, /failed: the databases do not agree/);
});

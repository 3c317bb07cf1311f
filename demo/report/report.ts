/** `demo-report.json`: what outside programs read, so names only ever are added. */

import type { ProvenCertificate } from '../migrations/moveLink.ts';
import type { MoneyReport } from '../oracle/checks/money.ts';
import { type Case, countDamage, DAMAGES, type Damage } from '../oracle/findings.ts';
import type { DelaySummary } from '../oracle/linkTables.ts';
import { damageWithin, type Span } from '../oracle/migrationSpan.ts';
import type { Judgement } from '../oracle/oracle.ts';
import type { LatencySummary } from '../traffic/latencies.ts';
import type { TrafficCounts } from '../traffic/traffic.ts';

/** Keys or places named for each finding; the number is of all. */
const EXAMPLES = 5;

export type MigrationReport = {
  link: string;
  from: string;
  to: string;
  /** Messages written while it ran, over all consumers. */
  messages: number;
  lost: number;
  doubled: number;
  reordered: number;
  /** The longest time from writing a message to its effect. */
  delivery_pause_ms_max: number;
  /** The same for 99 of 100 messages. */
  delivery_ms_p99: number;
  /** Requests not acknowledged, those that could not be sent included. */
  failed_requests: number;
  request_ms_p99: { before: number; during: number };
  certificates: CertificateReport[];
  /** Epochs that carried something, are over and have no certificate. */
  uncertified_epochs: number;
  run: string;
  state: string;
  problem: string;
  seconds: number;
};

export type CertificateReport = {
  id: string;
  consumer: string;
  epoch: number;
  count: number;
  /** Both sides equal and the signature good. */
  equal: boolean;
};

export type FindingReport = {
  damage: Damage;
  /** Empty when no single link is to blame. */
  link: string;
  consumer: string;
  found: string;
  count: number;
  examples: string[];
};

export type DemoReport = {
  migrations: MigrationReport[];
  /** The ledger and finance, in minor units. */
  money: MoneyReport;
  oracle: {
    holds: boolean;
    checks: { claim: string; holds: boolean }[];
    findings: FindingReport[];
    totals: Record<Damage, number>;
  };
  traffic: TrafficCounts & {
    /** At the end: what was asked for, or less where the machine carries no more. */
    rate_per_second: number;
    managers: number;
    /** Answers that were written down and compared. */
    acknowledged: number;
    /** Requests by what was asked for. */
    actions: Record<string, number>;
    errors: string[];
  };
  ok: boolean;
};

/** One migration as the demo saw it. */
export type Migration = {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  readonly run: string;
  readonly state: string;
  readonly problem: string;
  readonly span: Span;
  readonly delays: readonly DelaySummary[];
  readonly failedRequests: number;
  readonly requests: { readonly before: LatencySummary; readonly during: LatencySummary };
  readonly certificates: readonly ProvenCertificate[];
  /** Epochs of its link that carried something, are over and have no certificate. */
  readonly uncertified: number;
};

export type ReportParts = {
  readonly migrations: readonly Migration[];
  /** How many migrations were to be made: one that was not reached is not done. */
  readonly planned: number;
  readonly judgement: Judgement;
  readonly traffic: DemoReport['traffic'];
};

/** `ok` only when every migration completed with equal certificates and the oracle holds. */
export function buildReport({ migrations, planned, judgement, traffic }: ReportParts): DemoReport {
  const { checks, findings, money, holds } = judgement;
  return {
    migrations: migrations.map((migration) => reportMigration(migration, judgement)),
    money,
    oracle: {
      holds,
      checks: checks.map((check) => ({ claim: check.claim, holds: check.findings.length === 0 })),
      findings: findings.map(({ damage, link, consumer, sentence, cases }) => ({
        damage,
        link,
        consumer,
        found: sentence,
        count: cases.reduce((sum, { count }) => sum + count, 0),
        examples: cases.slice(0, EXAMPLES).map(nameOf),
      })),
      totals: Object.fromEntries(
        DAMAGES.map((damage) => [damage, countDamage(findings, damage)]),
      ) as Record<Damage, number>,
    },
    traffic,
    ok: holds && migrations.length === planned && migrations.every(isProven),
  };
}

/** Completed, its certificates are all equal, and none is missing. */
function isProven({ state, certificates, uncertified }: Migration): boolean {
  return state === 'completed' && uncertified === 0 && certificates.every(({ isEqual }) => isEqual);
}

function reportMigration(migration: Migration, { findings }: Judgement): MigrationReport {
  const { link, from, to, run, state, problem, span, delays, requests } = migration;
  return {
    link,
    from,
    to,
    messages: delays.reduce((sum, { messages }) => sum + messages, 0),
    lost: damageWithin(findings, 'lost', span),
    doubled: damageWithin(findings, 'doubled', span),
    reordered: damageWithin(findings, 'reordered', span),
    delivery_pause_ms_max: toTenths(Math.max(0, ...delays.map(({ maxMs }) => maxMs))),
    delivery_ms_p99: toTenths(Math.max(0, ...delays.map(({ p99Ms }) => p99Ms))),
    failed_requests: migration.failedRequests,
    request_ms_p99: {
      before: toTenths(requests.before.p99Ms),
      during: toTenths(requests.during.p99Ms),
    },
    certificates: migration.certificates.map(reportCertificate),
    uncertified_epochs: migration.uncertified,
    run,
    state,
    problem,
    seconds: toTenths((span.toMs - span.fromMs) / 1_000),
  };
}

function reportCertificate({ certificate, isEqual }: ProvenCertificate): CertificateReport {
  const { id, consumer, epoch, count } = certificate;
  return { id, consumer, epoch: Number(epoch), count: Number(count), equal: isEqual };
}

function nameOf({ what, version }: Case): string {
  return version === 0n ? what : `${what} v${version}`;
}

function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}

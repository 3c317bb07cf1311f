/** `demo-report.json`. Other programs read it, so fields are only added, never renamed. */

import type { Migration } from '../migrations/migration.ts';
import type { CheckedCertificate } from '../migrations/moveLink.ts';
import type { MoneyReport } from '../oracle/checks/money.ts';
import { type Case, countDamage, DAMAGES, type Damage } from '../oracle/findings.ts';
import { damageWithin } from '../oracle/migrationSpan.ts';
import type { Judgement } from '../oracle/oracle.ts';
import type { TrafficCounts } from '../traffic/traffic.ts';

/** Keys or lanes named per finding; its count covers all of them. */
const EXAMPLES = 5;

export interface MigrationReport {
  link: string;
  from: string;
  to: string;
  /** Messages written while it ran, summed over the consumers. */
  messages: number;
  lost: number;
  doubled: number;
  reordered: number;
  /** The longest time from writing a message to its effect. */
  delivery_pause_ms_max: number;
  /** The same for 99 % of the messages. */
  delivery_ms_p99: number;
  /** Requests that were not acknowledged or could not be sent. */
  failed_requests: number;
  request_ms_p99: { before: number; during: number };
  certificates: CertificateReport[];
  /** Epochs that carried something, are over and have no certificate. */
  uncertified_epochs: number;
  run: string;
  state: string;
  problem: string;
  seconds: number;
}

export interface CertificateReport {
  id: string;
  /** `closing` or `erasure`; the latter is of every consumer, and `count` is of entities. */
  kind: string;
  consumer: string;
  epoch: number;
  count: number;
  /** Both sides are equal and the signature is valid. */
  equal: boolean;
}

export interface FindingReport {
  damage: Damage;
  /** Empty when no single link is to blame. */
  link: string;
  consumer: string;
  findingOf: string;
  count: number;
  examples: string[];
}

export interface DemoReport {
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
    /** The rate at the end: as requested, or less if the machine carries no more. */
    rate_per_second: number;
    managers: number;
    /** Answers that were recorded and compared. */
    acknowledged: number;
    /** Requests by action. */
    actions: Record<string, number>;
    errors: string[];
  };
  ok: boolean;
}

export interface ReportParts {
  readonly migrations: readonly Migration[];
  /** Number of planned migrations: one that was not reached counts as not done. */
  readonly planned: number;
  readonly judgement: Judgement;
  readonly traffic: DemoReport['traffic'];
}

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
        findingOf: sentence,
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

/** It completed, all its certificates are equal, and none is missing. */
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

function reportCertificate({ certificate, isEqual }: CheckedCertificate): CertificateReport {
  const { id, kind, consumer, epoch, count } = certificate;
  return { id, kind, consumer, epoch: Number(epoch), count: Number(count), equal: isEqual };
}

function nameOf({ what, version }: Case): string {
  return version === 0n ? what : `${what} v${version}`;
}

function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** One migration as the demo observed it. */
import type { DelaySummary } from '../oracle/linkTables.ts';
import type { MigrationSpan } from '../oracle/migrationSpan.ts';
import type { LatencySummary } from '../traffic/latencies.ts';
import type { CheckedCertificate } from './moveLink.ts';

export interface Migration {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  readonly run: string;
  readonly state: string;
  readonly problem: string;
  readonly span: MigrationSpan;
  /** One summary per consumer. */
  readonly delays: readonly DelaySummary[];
  readonly failedRequests: number;
  readonly requests: { readonly before: LatencySummary; readonly during: LatencySummary };
  readonly certificates: readonly CheckedCertificate[];
  /** Epochs of its link that carried something, are over and have no certificate. */
  readonly uncertified: number;
}

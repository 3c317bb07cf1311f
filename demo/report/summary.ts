/** The report as text for a person: one line per migration, then the checks. */
import { cutTo, type Paint } from '../../operator/cli/output/paint.ts';
import { formatLatency } from '../view/screen.ts';
import type { DemoReport, FindingReport, MigrationReport } from './report.ts';

const NAME_WIDTH = 23;

interface Column {
  readonly head: string;
  readonly width: number;
  readonly cell: (migration: MigrationReport, paint: Paint) => string;
}

const COLUMNS: readonly Column[] = [
  { head: 'messages', width: 8, cell: ({ messages }) => formatCount(messages) },
  { head: 'lost', width: 5, cell: ({ lost }, paint) => formatDamage(lost, paint) },
  { head: 'doubled', width: 8, cell: ({ doubled }, paint) => formatDamage(doubled, paint) },
  { head: 'reordered', width: 10, cell: ({ reordered }, paint) => formatDamage(reordered, paint) },
  { head: 'pause', width: 9, cell: (one) => formatLatency(one.delivery_pause_ms_max) },
  { head: 'failed', width: 7, cell: (one, paint) => formatDamage(one.failed_requests, paint) },
  { head: 'proven', width: 9, cell: formatProven },
];

export function describeReport(report: DemoReport, canvas: { width: number; paint: Paint }) {
  const { paint, width } = canvas;
  const lines = [
    ...describeMigrations(report.migrations, paint),
    ...report.oracle.checks.map(({ claim, holds }) =>
      holds ? ` ${paint('green', '✓')} ${claim}` : ` ${paint('red', '✗')} ${claim}`,
    ),
    ...report.oracle.findings.flatMap((finding) => describeFinding(finding, paint)),
    ...report.traffic.errors.map((error) => paint('dim', ` failed request: ${error}`)),
    '',
    describeEnd(report, paint),
  ];
  return lines.map((line) => cutTo(line, width));
}

function describeMigrations(migrations: readonly MigrationReport[], paint: Paint): string[] {
  if (migrations.length === 0) return ['', paint('red', 'No migration was started.'), ''];
  const heads = COLUMNS.map(({ head, width }) => head.padStart(width)).join('');
  const problems = migrations
    .filter(({ state }) => state !== 'completed')
    .map(({ link, to, state, problem }) =>
      paint('red', `${link} to ${to} is ${state.replaceAll('_', ' ')}: ${problem}`),
    );
  return [
    '',
    paint('dim', ' '.repeat(NAME_WIDTH) + heads),
    ...migrations.map((migration) => {
      const { link, from, to } = migration;
      const cells = COLUMNS.map(({ width, cell }) => {
        const plain = cell(migration, (_format, text) => text);
        // Painted text is longer than it looks.
        return plain.padStart(width).replace(plain, cell(migration, paint));
      });
      return ` ${`${link} ${from} → ${to}`.padEnd(NAME_WIDTH - 1)}${cells.join('')}`;
    }),
    ...problems,
    paint('dim', describeRequests(migrations)),
    '',
  ];
}

/** How long callers waited, and how long the migrations took. */
function describeRequests(migrations: readonly MigrationReport[]): string {
  const before = migrations[0]?.request_ms_p99.before ?? 0;
  const during = Math.max(...migrations.map((one) => one.request_ms_p99.during));
  const seconds = migrations.reduce((sum, one) => sum + one.seconds, 0);
  return (
    ` requests: p99 ${formatLatency(before)} before, at most ${formatLatency(during)} during; ` +
    `moves took ${Math.round(seconds)} s`
  );
}

function describeFinding(finding: FindingReport, paint: Paint): string[] {
  const { damage, link, count, findingOf, examples } = finding;
  const where = link === '' ? '' : `${link} `;
  return [
    paint('red', `   ${where}${damage}: ${formatCount(count)} ${findingOf}`),
    ...examples.map((example) => `     ${example}`),
  ];
}

function describeEnd({ ok, oracle, migrations }: DemoReport, paint: Paint): string {
  if (ok) return paint('green', 'ok: nothing lost, nothing doubled, nothing out of order');
  const unfinished = migrations.some(({ state }) => state !== 'completed');
  if (!oracle.holds) return paint('red', 'failed: the databases do not agree');
  return paint(
    'red',
    unfinished
      ? 'failed: a migration did not complete'
      : 'failed: a certificate is missing or unequal',
  );
}

/** A dash where the old route carried nothing, which leaves nothing to certify. */
function formatProven(migration: MigrationReport, paint: Paint): string {
  const { certificates, uncertified_epochs: missing } = migration;
  const unequal = certificates.filter(({ equal }) => !equal).length;
  if (unequal > 0) return paint('red', `${unequal} of ${certificates.length} not`);
  if (missing > 0) return paint('red', `${missing} not`);
  return certificates.length === 0 ? '–' : paint('green', `${certificates.length} equal`);
}

function formatDamage(count: number, paint: Paint): string {
  return paint(count === 0 ? 'green' : 'red', formatCount(count));
}

function formatCount(count: number): string {
  return count.toLocaleString('en');
}

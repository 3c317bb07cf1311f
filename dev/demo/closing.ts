/** The closing report for a person: one column a migration, then what was compared. */
import { cutTo, type Paint } from '../../operator/cli/output/paint.ts';
import { formatLatency } from './draw.ts';
import type { DemoReport, FindingReport, MigrationReport } from './report.ts';

const LABEL_WIDTH = 26;
const COLUMN_WIDTH = 24;

type Row = readonly [label: string, cell: (migration: MigrationReport, paint: Paint) => string];

const ROWS: readonly Row[] = [
  ['messages', ({ messages }) => say(messages)],
  ['lost', ({ lost }, paint) => sayDamage(lost, paint)],
  ['doubled', ({ doubled }, paint) => sayDamage(doubled, paint)],
  ['reordered', ({ reordered }, paint) => sayDamage(reordered, paint)],
  ['longest delivery pause', (one) => formatLatency(one.delivery_pause_ms_max)],
  ['delivery p99', (one) => formatLatency(one.delivery_ms_p99)],
  ['failed requests', (one, paint) => sayDamage(one.failed_requests, paint)],
  ['request p99 before', (one) => formatLatency(one.request_ms_p99.before)],
  ['request p99 during', (one) => formatLatency(one.request_ms_p99.during)],
  ['certificates', ({ certificates }, paint) => sayCertificates(certificates, paint)],
  ['took', ({ seconds }) => `${seconds.toFixed(1)} s`],
];

export function describeReport(report: DemoReport, place: { width: number; paint: Paint }) {
  const { paint, width } = place;
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
  if (migrations.length === 0) return ['', paint('red', 'No migration was made.'), ''];
  const heads = migrations.map(({ link, from, to }) => `${link} ${from} → ${to}`);
  const problems = migrations
    .filter(({ state }) => state !== 'completed')
    .map(({ link, to, state, problem }) =>
      paint('red', `${link} to ${to} is ${state.replaceAll('_', ' ')}: ${problem}`),
    );
  return [
    '',
    ' '.repeat(LABEL_WIDTH) + heads.map((head) => paint('bold', toRight(head))).join(''),
    ...ROWS.map(([label, cell]) => {
      const cells = migrations.map((migration) => {
        const plain = cell(migration, (_format, text) => text);
        // Painted text is longer than it looks.
        return toRight(plain).replace(plain, cell(migration, paint));
      });
      return ` ${paint('dim', label.padEnd(LABEL_WIDTH - 1))}${cells.join('')}`;
    }),
    ...problems,
    '',
  ];
}

function describeFinding(finding: FindingReport, paint: Paint): string[] {
  const { damage, count, found, examples } = finding;
  return [
    paint('red', `   ${damage}: ${say(count)} ${found}`),
    ...examples.map((example) => `     ${example}`),
  ];
}

function describeEnd({ ok, oracle, migrations }: DemoReport, paint: Paint): string {
  if (ok) return paint('green', 'ok: nothing lost, nothing doubled, nothing out of order');
  const unfinished = migrations.some(({ state }) => state !== 'completed');
  if (!oracle.holds) return paint('red', 'failed: the databases do not agree');
  return paint('red', unfinished ? 'failed: not completed' : 'failed: not all is certified');
}

function sayCertificates(certificates: MigrationReport['certificates'], paint: Paint): string {
  const unequal = certificates.filter(({ equal }) => !equal).length;
  if (unequal > 0) return paint('red', `${unequal} of ${certificates.length} not equal`);
  if (certificates.length === 0) return paint('red', 'none');
  return paint('green', `${certificates.length} equal`);
}

function sayDamage(count: number, paint: Paint): string {
  return paint(count === 0 ? 'green' : 'red', say(count));
}

function say(count: number): string {
  return count.toLocaleString('en');
}

function toRight(text: string): string {
  return text.padStart(COLUMN_WIDTH);
}

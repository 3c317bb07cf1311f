/** Runs as a table. */
import type { Run } from '../../../gen/relink/v1/operator_pb.ts';
import { shortenIds } from '../suggest.ts';
import type { Layout } from './output.ts';
import { nameLinks, paintState } from './runView.ts';
import { type Column, formatTable } from './table.ts';
import { elapsedMs, formatAgo, formatDuration } from './time.ts';

const COLUMNS: Column[] = [
  { header: 'run' },
  { header: 'link' },
  { header: 'move' },
  { header: 'for' },
  { header: 'state' },
  { header: 'started', align: 'right' },
  { header: 'took', align: 'right' },
];

/** The table, or a line that there is nothing to show. */
export function viewRuns(runs: Run[], layout: Layout): string[] {
  return runs.length === 0 ? ['There are no runs yet.'] : formatRuns(runs, layout);
}

/** Lines of a table, in the order given; ids as short as `relink status` takes them. */
export function formatRuns(runs: Run[], layout: Layout): string[] {
  const ids = shortenIds(runs.map(({ id }) => id));
  const rows = runs.map((run) => [
    layout.paint('bold', ids.get(run.id)!),
    nameLinks(run),
    `${run.from} → ${run.to}`,
    run.consumer || 'all',
    paintState(run.state, layout.paint),
    formatAgo(run.startedAt, layout.now),
    sayTook(run),
  ]);
  return formatTable(COLUMNS, rows, layout);
}

function sayTook({ startedAt, endedAt }: Run): string {
  const tookMs = elapsedMs(startedAt, Date.parse(endedAt));
  return tookMs === undefined ? '' : formatDuration(tookMs);
}

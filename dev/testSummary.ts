/** A test reporter: the slowest files, and the counts of the whole run for programs. */

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const DURATION = 'duration_ms';

/** So many files are named when there are more: who makes a run shorter begins with them. */
const SLOWEST = 10;

/** `# tests 12`, `# pass 12`, … once, at the end. */
export default async function* summaryReporter(events: AsyncIterable<TestEvent>) {
  const durations = new Map<string, number>();
  for await (const event of events) {
    if (event.type !== 'test:summary') continue;
    // Each file has a summary too; only the whole run's names no file.
    if (event.data.file !== undefined) {
      durations.set(event.data.file, event.data[DURATION]);
      continue;
    }
    yield slowestOf(durations);
    const { tests, suites, passed, cancelled, skipped, todo } = event.data.counts;
    const failed = tests - passed - cancelled - skipped - todo;
    const counts = { tests, suites, pass: passed, fail: failed, cancelled, skipped, todo };
    const lines = Object.entries({ ...counts, [DURATION]: Math.round(event.data[DURATION]) });
    yield `${lines.map(([name, count]) => `# ${name} ${count}`).join('\n')}\n`;
  }
}

function slowestOf(durations: ReadonlyMap<string, number>): string {
  if (durations.size <= SLOWEST) return '';
  const slowest = [...durations].toSorted(([, a], [, b]) => b - a).slice(0, SLOWEST);
  const lines = slowest.map(
    ([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${relative(process.cwd(), file)}`,
  );
  return `slowest files:\n${lines.join('\n')}\n\n`;
}

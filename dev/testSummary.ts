/** A test reporter: the counts of the whole run, in the lines that programs read. */

import type { TestEvent } from 'node:test/reporters';

const DURATION = 'duration_ms';

/** `# tests 12`, `# pass 12`, … once, at the end. */
export default async function* summaryReporter(events: AsyncIterable<TestEvent>) {
  for await (const event of events) {
    // Each file has a summary too; only the whole run's names no file.
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue;
    const { tests, suites, passed, cancelled, skipped, todo } = event.data.counts;
    const failed = tests - passed - cancelled - skipped - todo;
    const counts = { tests, suites, pass: passed, fail: failed, cancelled, skipped, todo };
    const lines = Object.entries({ ...counts, [DURATION]: Math.round(event.data[DURATION]) });
    yield `${lines.map(([name, count]) => `# ${name} ${count}`).join('\n')}\n`;
  }
}

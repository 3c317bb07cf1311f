/** The options of `npm test`, and the test files that they select. */

import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface TestOptions {
  /** Includes the long tests (`*.long.ts`). */
  long: boolean;
  /** Only the tests at size (`*.size.ts`), one after another. */
  size: boolean;
  /** Of the sizes that the tests at size have by default: 0.01 is a hundredth. */
  scale: number;
  /** Prints the figures of the tests at size as JSON. */
  json: boolean;
  /** Test files that run at the same time. */
  concurrency: number;
  /** Parts of paths: a file runs when its path contains one of them. Empty: all run. */
  filters: string[];
  /** Keeps the databases of tests that failed. */
  keep: boolean;
  /** Only tests whose name matches. */
  namePattern: string | undefined;
}

export const TEST_USAGE = `usage: npm test -- [options] [part of a path …]

  --long             include the long tests (*.long.ts)
  --size             only the tests at size (*.size.ts), one after another; they print figures
  --scale N          of their sizes (1); 0.01 shows in a minute that they work
  --json             {"figures":[…]} on standard output, all else on standard error
  --concurrency N    test files at a time (2)
  --name PATTERN     only tests whose name matches
  --keep             keeps the databases of tests that failed, until Ctrl-C

npm test -- link/outbox runs the test files whose path contains link/outbox.`;

/**
 * Begun first, so that in the end no core waits for one of them. `npm test` names the slowest files:
 * one that takes more than half a minute belongs here.
 */
export const LONGEST_FIRST: readonly string[] = [
  'test/migrations/managers.test.ts',
  'test/migrations/business.test.ts',
  'test/operator/company.test.ts',
  'test/conformance/functionalLinks.test.ts',
  'test/rolling/rolling.test.ts',
  'test/recipes/recipes.test.ts',
  'test/conformance/formalLinks.test.ts',
  'test/operator/tools.test.ts',
  'test/faults/crashes.test.ts',
  'test/faults/database.test.ts',
  'test/migrations/erasure.test.ts',
  'test/migrations/formalVersion.test.ts',
];

/** PostgreSQL and NATS servers need CPU too: with three files at once, waits time out. */
const DEFAULT_CONCURRENCY = 2;
const MAX_CONCURRENCY = 64;
const MAX_SCALE = 10;

/** Reads the arguments; throws an Error whose message says what is wrong. */
export function readTestOptions(args: string[]): TestOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      long: { type: 'boolean', default: false },
      size: { type: 'boolean', default: false },
      scale: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      concurrency: { type: 'string' },
      name: { type: 'string' },
    },
  });
  const { long, size, json, keep, name: namePattern } = values;
  // Two at once would measure each other.
  const concurrency = Number(values.concurrency ?? (size ? 1 : DEFAULT_CONCURRENCY));
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
    throw new RangeError(`--concurrency takes 1 to ${MAX_CONCURRENCY}, not ${values.concurrency}`);
  }
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= MAX_SCALE))
    throw new RangeError(`--scale takes a number above 0, to ${MAX_SCALE}, not ${values.scale}`);
  return { long, size, scale, json, keep, concurrency, filters: positionals, namePattern };
}

/** The test files below `root` that the options select: the longest first, the others by name. */
export function findTestFiles(root: string, { long, size, filters }: TestOptions): string[] {
  const patterns = size ? ['**/*.size.ts'] : ['**/*.test.ts', ...(long ? ['**/*.long.ts'] : [])];
  const exclude = ['node_modules/**', '**/node_modules/**', '.relink/**', '.cache/**'];
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ''));
  const files = globSync(patterns, { cwd: root, exclude })
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
  const longest = LONGEST_FIRST.filter((file) => files.includes(file));
  return [...longest, ...files.filter((file) => !longest.includes(file))];
}

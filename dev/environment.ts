/** Every environment variable that the development commands read. */

import { childEnvironment, readEnvironment } from '../runtime/environment.ts';

export interface DevEnvironment {
  /** Path of the nats-server to use; else one is searched for. */
  natsServer: string | undefined;
  /** A running PostgreSQL (administrator's URL) to use instead of starting one. */
  postgresUrl: string | undefined;
  /** A running NATS server to use instead of starting one. */
  natsUrl: string | undefined;
  /** The address that all servers listen on. */
  host: string;
  /** Folders to search for programs. */
  path: readonly string[];
  /** Set by the test runner: the PostgreSQL all test files share. */
  testPostgresUrl: string | undefined;
  /** Set by the test runner: the folder for data that all stacks of a run are copied from. */
  testPrepared: string | undefined;
  /** Set by the test runner: marks every process of one test run. */
  testRun: string | undefined;
  /** Set by the test runner: the file where the guard lists what a test file left running. */
  testLeftovers: string | undefined;
  /** Set by `npm test -- --keep`: file that takes what was kept of tests that failed. */
  testKept: string | undefined;
}

/** Reads the environment of this process; empty values count as absent. */
export function readDevEnvironment(): DevEnvironment {
  return {
    natsServer: readEnvironment('RELINK_NATS_SERVER'),
    postgresUrl: readEnvironment('RELINK_POSTGRES_URL'),
    natsUrl: readEnvironment('RELINK_NATS_URL'),
    host: readEnvironment('RELINK_HOST') ?? '127.0.0.1',
    path: (readEnvironment('PATH') ?? '').split(':').filter(Boolean),
    testPostgresUrl: readEnvironment('RELINK_TEST_POSTGRES_URL'),
    testPrepared: readEnvironment('RELINK_TEST_PREPARED'),
    testRun: readEnvironment('RELINK_TEST_RUN'),
    testLeftovers: readEnvironment('RELINK_TEST_LEFTOVERS'),
    testKept: readEnvironment('RELINK_TEST_KEPT'),
  };
}

/**
 * The environment for a child process: ours without `RELINK_…` variables, so that a child gets only
 * the given settings. The variables of a test run stay, for children of children.
 */
export function cleanEnvironment(settings: Record<string, string>): Record<string, string> {
  const kept = Object.entries(childEnvironment()).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      (!entry[0].startsWith('RELINK_') || entry[0].startsWith('RELINK_TEST_')),
  );
  return { ...Object.fromEntries(kept), ...settings };
}

/** What the development commands read from the environment: this page is the whole list. */

import {
  readEnvironment as readVariable,
  childEnvironment as wholeEnvironment,
} from '../runtime/config.ts';

export type DevEnvironment = {
  /** Path of a nats-server to use before looking anywhere else. */
  natsServer: string | undefined;
  /** A running PostgreSQL (administrator's URL) to use instead of an own one. */
  postgresUrl: string | undefined;
  /** A running NATS server to use instead of an own one. */
  natsUrl: string | undefined;
  /** Address all servers listen on. */
  host: string;
  /** Folders searched for programs. */
  path: readonly string[];
  /** Set by the test runner: the PostgreSQL all test files share. */
  testPostgresUrl: string | undefined;
  /** Set by the test runner: marks every process of one test run. */
  testRun: string | undefined;
  /** Set by the test runner: file where the guard names what a test file left running. */
  testLeftovers: string | undefined;
  /** Set by `npm test -- --keep`: file that takes what was kept of tests that failed. */
  testKept: string | undefined;
};

/** Reads the environment of this process; empty values count as absent. */
export function readEnvironment(): DevEnvironment {
  return {
    natsServer: readVariable('RELINK_NATS_SERVER'),
    postgresUrl: readVariable('RELINK_POSTGRES_URL'),
    natsUrl: readVariable('RELINK_NATS_URL'),
    host: readVariable('RELINK_HOST') ?? '127.0.0.1',
    path: (readVariable('PATH') ?? '').split(':').filter(Boolean),
    testPostgresUrl: readVariable('RELINK_TEST_POSTGRES_URL'),
    testRun: readVariable('RELINK_TEST_RUN'),
    testLeftovers: readVariable('RELINK_TEST_LEFTOVERS'),
    testKept: readVariable('RELINK_TEST_KEPT'),
  };
}

/**
 * The environment for a child: ours without any `RELINK_…` setting, so that a child gets only what
 * it is told, and the settings given. The marks of a test run go on to children of children.
 */
export function childEnvironment(settings: Record<string, string>): Record<string, string> {
  const kept = Object.entries(wholeEnvironment()).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      (!entry[0].startsWith('RELINK_') || entry[0].startsWith('RELINK_TEST_')),
  );
  return { ...Object.fromEntries(kept), ...settings };
}

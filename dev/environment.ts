/**
 * What the development commands read from the environment. Nothing else under `dev/` and `test/`
 * looks at it, so this page is the whole list.
 */

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
};

/** Reads the environment of this process; empty values count as absent. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): DevEnvironment {
  const text = (name: string) => env[name]?.trim() || undefined;
  return {
    natsServer: text('RELINK_NATS_SERVER'),
    postgresUrl: text('RELINK_POSTGRES_URL'),
    natsUrl: text('RELINK_NATS_URL'),
    host: text('RELINK_HOST') ?? '127.0.0.1',
    path: (env.PATH ?? '').split(':').filter(Boolean),
    testPostgresUrl: text('RELINK_TEST_POSTGRES_URL'),
    testRun: text('RELINK_TEST_RUN'),
    testLeftovers: text('RELINK_TEST_LEFTOVERS'),
  };
}

/**
 * The environment for a child: ours without any `RELINK_…` setting, so that a child gets only what
 * it is told, and the settings given. The mark of a test run goes on to children of children.
 */
export function childEnvironment(settings: Record<string, string>): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (!entry[0].startsWith('RELINK_') || entry[0] === 'RELINK_TEST_RUN'),
  );
  return { ...Object.fromEntries(kept), ...settings };
}

/**
 * The only file that reads process.env. It imports nothing: every program loads it, and what a
 * service reads as its configuration, checked against a schema, is in config.ts.
 */

/** One variable (PATH, NO_COLOR, RELINK_NATS_SERVER…); an empty one counts as not set. */
export function readEnvironment(variable: string): string | undefined {
  return process.env[variable] || undefined;
}

/** All variables of this process. */
export function wholeEnvironment(): Readonly<NodeJS.ProcessEnv> {
  return process.env;
}

/**
 * The environment for a child process: this one's with `overrides`; undefined removes a variable.
 */
export function childEnvironment(overrides: Record<string, string | undefined> = {}) {
  const merged = { ...process.env, ...overrides };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

/** Passwords in files, as orchestrators hand them over: an environment is seen by too many. */
import { readFileSync } from 'node:fs';
import { messageOf } from './errors.ts';

const SUFFIX = '_FILE';

export interface ConfigProblem {
  code: 'missing' | 'invalid' | 'unknown';
  variable: string;
  message: string;
}

/**
 * The variables with the contents of files in the place of their names: RELINK_POSTGRES_URL_FILE is a
 * file with what RELINK_POSTGRES_URL would be. A line break at its end does not count.
 */
export function readFiles(
  env: NodeJS.ProcessEnv,
  isOurs: (variable: string) => boolean,
): { readonly variables: NodeJS.ProcessEnv; readonly problems: ConfigProblem[] } {
  const variables = { ...env };
  const problems: ConfigProblem[] = [];
  for (const [variable, file] of Object.entries(env)) {
    if (!variable.endsWith(SUFFIX) || !isOurs(variable)) continue;
    delete variables[variable];
    if (!file) continue;
    const name = variable.slice(0, -SUFFIX.length);
    try {
      if (env[name]) throw new Error(`${name} is set, too; leave one of them out`);
      variables[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      problems.push({ code: 'invalid', variable, message: `cannot be used: ${messageOf(error)}` });
    }
  }
  return { variables, problems };
}

/** The URL with the password in it. Throws what is wrong with that. */
export function withPassword(url: string, password: string): string {
  const [, scheme, user, rest] = /^([a-z]+:\/\/)(?:([^@/?]*)@)?(.*)$/s.exec(url) ?? [];
  if (user?.includes(':')) throw new Error('has a password already; leave one of them out');
  // A broker takes a token without a user.
  if (!user && scheme?.startsWith('postgres')) throw new Error('names no user for the password');
  const credentials = [...(user ? [user] : []), encodeURIComponent(password)].join(':');
  return scheme === undefined ? url : `${scheme}${credentials}@${rest}`;
}

/** The exit codes of the command line, part of the public interface: see docs/json.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  waiting: 3,
  incompatible: 4,
  rolledBack: 5,
  busy: 6,
  different: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

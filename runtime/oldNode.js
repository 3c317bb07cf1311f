// Plain JavaScript, because any Node from 20 on must be able to read it.
import { fileURLToPath } from 'node:url';

/** The oldest Node that runs TypeScript as this project writes it. */
const OLDEST_NODE = 24;

export const isOldNode = Number.parseInt(process.versions.node, 10) < OLDEST_NODE;

/** Why nothing runs where Node is old and the project's own Node is not there either. */
export const oldNodeProblem =
  `relink needs Node ${OLDEST_NODE}, this is ${process.versions.node}, and the project's own ` +
  'is not there: npm ci has not run, or ran with --ignore-scripts, which leaves it out.\n' +
  `Run npm ci --ignore-scripts=false in ${fileURLToPath(new URL('..', import.meta.url))}\n`;

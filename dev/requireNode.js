// Loaded before the program of every npm script: an old Node would only say that it does not know
// the file extension .ts.
import { isOldNode, oldNodeProblem } from '../runtime/oldNode.js';

if (isOldNode) {
  process.stderr.write(oldNodeProblem);
  process.exit(1);
}

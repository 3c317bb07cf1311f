/** The arguments that say which move is meant; `plan` and `start` share them. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { didYouMean, findSimilar } from '../suggest.ts';

const TRANSPORTS = ['sync', 'async', 'pull'];
const TARGET = /^((sync|async|pull)(,v\d{1,3})?|v\d{1,3})$/;

/** `--to`: a transport or a contract version. */
export function targetOption() {
  return new Option(
    '--to <target>',
    'sync, async, pull, a contract version such as v1, or both: async,v1',
  )
    .argParser(parseTarget)
    .makeOptionMandatory();
}

/** `--way-back`: kept until `complete`, or given up from the start. */
export function wayBackOption() {
  return new Option(
    '--way-back <choice>',
    'keep: the old route stays ready until complete; none: no way back',
  );
}

export function consumerOption() {
  return new Option(
    '--consumer <name>',
    'move only this consumer; default: every consumer of the link',
  );
}

function parseTarget(text: string): string {
  if (TARGET.test(text)) return text;
  const hint = didYouMean(findSimilar(text, TRANSPORTS));
  throw new InvalidArgumentError(
    hint ?? 'It must be sync, async, pull, a version such as v1, or both: async,v1.',
  );
}

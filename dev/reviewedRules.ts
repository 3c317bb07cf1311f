/**
 * Rules of requests that were made stricter on purpose: what they refuse was refused before by other
 * means, or nobody may ever have sent it. `node dev/breaking.ts` lets these pass. An entry may go once
 * main has the rule.
 */
import type { TightenedRule } from './tightenedRules.ts';

export interface ReviewedRule extends Pick<TightenedRule, 'field' | 'rule'> {
  /** Why no caller is refused who was not refused before. */
  readonly why: string;
}

export const reviewedRules: readonly ReviewedRule[] = [
  {
    field: 'assessments.v1.UpdateAssessmentRequest',
    rule: 'cel',
    why: 'one more field is something to change: whatever passed before passes',
  },
  {
    field: 'relink.v1.FindTracesRequest.hashes',
    rule: 'repeated.items.string.len',
    why: 'shorter hashes, so that one call takes them all; no release has the call',
  },
  ...[
    { field: 'relink.v1.Phrases.alias', rule: 'string.max_len' },
    { field: 'relink.v1.Phrases.alias', rule: 'string.pattern' },
    { field: 'relink.v1.Phrases.hashes', rule: 'repeated.max_items' },
    { field: 'relink.v1.Phrases.hashes', rule: 'repeated.items.string.len' },
    { field: 'relink.v1.Phrases.hashes', rule: 'repeated.items.string.pattern' },
  ].map((one) => ({ ...one, why: 'no build before this one serves ReplacePhrases' })),
];

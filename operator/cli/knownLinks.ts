/** Links as people name them: one that does not exist is refused, with what was probably meant. */
import type { ListLinksResponse } from '../../gen/relink/v1/operator_pb.ts';
import { RpcCallError } from '../../rpc/client.ts';
import { usageError } from './errors.ts';
import type { Session } from './session.ts';
import { didYouMean, findSimilar } from './suggest.ts';
import { undecided } from './unanswered.ts';

type Asking = Pick<Session, 'operator'>;

/**
 * Makes a call about a link; when the operator does not know the link, suggests the one that was
 * probably meant. @throws CliError (usage) then, and what the call throws otherwise.
 */
export async function withLink<T>(session: Asking, link: string, call: () => Promise<T>) {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof RpcCallError) || error.reason !== 'LINK_UNKNOWN') throw error;
    throw unknownLink(link, await session.operator.listLinks({}));
  }
}

/** The error for a link that is not among those listed. */
export function unknownLink(link: string, { links, unanswered }: ListLinksResponse) {
  if (unanswered.length > 0) return undecided(`Whether ${link} exists is unknown`, unanswered);
  const known = links.map(({ id }) => id);
  const hint = didYouMean(findSimilar(link, known)) ?? `Links are ${known.sort().join(', ')}.`;
  return usageError(`There is no link ${link}. ${hint}`, ['relink links']);
}

/**
 * Of a link that does not exist every list is empty, as if all were well with it.
 * @throws CliError (usage) for such a link when nothing was found.
 */
export async function requireFound(
  { operator }: Asking,
  link: string | undefined,
  found: readonly unknown[],
): Promise<void> {
  if (!link || found.length > 0) return;
  const response = await operator.listLinks({});
  if (!response.links.some(({ id }) => id === link)) throw unknownLink(link, response);
}

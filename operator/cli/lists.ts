/** Lists of the operator, over all their pages. A link that does not exist has no list. */
import { create } from '@bufbuild/protobuf';
import {
  type ListCertificatesResponse,
  ListCertificatesResponseSchema,
  type ListRunsResponse,
  ListRunsResponseSchema,
} from '../../gen/relink/v1/operator_pb.ts';
import {
  type ListDeadLettersResponse,
  ListDeadLettersResponseSchema,
  type ListParkedResponse,
  ListParkedResponseSchema,
  type Unanswered,
} from '../../gen/relink/v1/participant_pb.ts';
import { followPages } from '../../rpc/paging.ts';
import { requireFound } from './knownLinks.ts';
import type { Session } from './session.ts';

const LETTERS_AT_ONCE = 1_000;

/** The newest runs, at most `limit`. */
export async function listRuns(
  session: Session,
  { link = '', limit }: { link?: string; limit: number },
): Promise<ListRunsResponse> {
  const { entries, next } = await followPages(async (afterId: string | undefined, wanted) => {
    const { runs, nextId } = await session.operator.listRuns({ link, limit: wanted, afterId });
    return { entries: runs, next: nextId || undefined };
  }, limit);
  await requireFound(session, link, entries);
  return create(ListRunsResponseSchema, { runs: [...entries], nextId: next });
}

/** All certificates, newest first. A run or link that does not exist is refused. */
export async function listCertificates(
  { operator, signal }: Pick<Session, 'operator' | 'signal'>,
  wanted: { link?: string; run?: string } = {},
): Promise<ListCertificatesResponse> {
  const { entries } = await followPages(async (afterId: string | undefined) => {
    const request = { ...wanted, afterId };
    const { certificates, nextId } = await operator.listCertificates(request, { signal });
    return { entries: certificates, next: nextId || undefined };
  });
  if (entries.length === 0 && wanted.run) await operator.getRun({ id: wanted.run });
  await requireFound({ operator }, wanted.link, entries);
  return create(ListCertificatesResponseSchema, { certificates: [...entries] });
}

/** The oldest dead letters, at most `limit`; unanswered is who was silent at any page. */
export async function listDeadLetters(
  { operator }: Session,
  { limit, ...wanted }: { link?: string; all: boolean; limit: number },
): Promise<ListDeadLettersResponse> {
  const pages: ListDeadLettersResponse[] = [];
  const { entries, next } = await followPages(async (afterId: string | undefined, left) => {
    const page = await operator.listDeadLetters({
      ...wanted,
      limit: Math.min(left, LETTERS_AT_ONCE),
      afterId,
    });
    pages.push(page);
    return { entries: page.deadLetters, next: page.nextId || undefined };
  }, limit);
  const unanswered = silentIn(pages);
  await requireFound({ operator }, wanted.link, [...entries, ...unanswered]);
  return create(ListDeadLettersResponseSchema, {
    deadLetters: [...entries],
    nextId: next,
    total: pages.at(-1)!.total,
    parked: pages.at(-1)!.parked,
    unanswered,
  });
}

/** The oldest parked messages, at most `limit`. */
export async function listParked(
  { operator }: Session,
  { limit, ...wanted }: { link?: string; key?: string; limit: number },
): Promise<ListParkedResponse> {
  const pages: ListParkedResponse[] = [];
  const { entries, next } = await followPages(async (afterId: string | undefined, left) => {
    const page = await operator.listParked({ ...wanted, limit: left, afterId });
    pages.push(page);
    return { entries: page.parked, next: page.nextId || undefined };
  }, limit);
  const unanswered = silentIn(pages);
  await requireFound({ operator }, wanted.link, [...entries, ...unanswered]);
  return create(ListParkedResponseSchema, {
    ...{ parked: [...entries], nextId: next, total: pages.at(-1)!.total },
    unanswered,
  });
}

/** Each service that was silent at some page, once. */
function silentIn(pages: readonly { readonly unanswered: Unanswered[] }[]): Unanswered[] {
  const silent = pages.flatMap(({ unanswered }) => unanswered);
  return [...new Map(silent.map((one) => [one.service, one])).values()];
}

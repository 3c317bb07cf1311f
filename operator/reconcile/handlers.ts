/** `relink reconcile`: what one side of a leg lost with its database, page by page, and its repair. */

import type { Operator } from '../../gen/relink/v1/operator_pb.ts';
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { readBalance } from '../../migration/leg/balance.ts';
import type { Participants } from '../../migration/participants.ts';
import { chooseConsumers, findLink } from '../../migration/run/starting.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { compareClosed, compareSettled } from './messages.ts';
import { type Reconciling, readPlace, type Stage, writePlace } from './page.ts';
import { compareReplica } from './rows.ts';
import { compareFences, compareGaps } from './standing.ts';

/** In this order: what is sent again is on its way when gaps are looked for. */
const STAGES: Readonly<Record<string, Stage>> = {
  behind: compareFences,
  lost: compareClosed,
  unknown: compareSettled,
  gap: compareGaps,
  row: compareReplica,
};

export function reconcileHandlers(
  participants: Participants,
): Pick<Handlers<typeof Operator>, 'reconcile'> {
  return {
    reconcile: async (request) => {
      const link = findLink(await participants.topology(), request.link);
      const { consumer, sinceUnixMs, repair: isRepairing, actor, after } = request;
      if (consumer === '')
        throw invalidField('consumer', 'must be set: a leg is reconciled at a time');
      chooseConsumers(link, consumer);
      const of = { participants, link, consumer, sinceMs: Number(sinceUnixMs), isRepairing, actor };
      const { differences, compared, next } = await comparePage(of, after);
      return { differences: [...differences], compared: BigInt(compared), next };
    },
  };
}

/** `text` is `next` of the page before, or empty to begin. */
export async function comparePage(of: Reconciling, text: string) {
  const stages = stagesOf(of);
  const place = text === '' ? await begin(of, stages[0]!) : readPlace(text, stages);
  const page = await STAGES[place.stage]!(of, place.lanes, place.after);
  if (page.next !== undefined) return { ...page, next: writePlace({ ...place, after: page.next }) };
  const following = stages[stages.indexOf(place.stage) + 1];
  const next = following ? writePlace({ ...place, stage: following, after: '' }) : '';
  return { ...page, next };
}

function stagesOf({ link: { producer } }: Reconciling): string[] {
  if (producer.kind === LinkKind.FORMAL) return ['behind', 'row'];
  return producer.ordered ? ['behind', 'lost', 'unknown', 'gap'] : ['behind', 'lost', 'unknown'];
}

/** Messages are compared only in lanes whose digests differ: equal sums are equal messages. */
async function begin(of: Reconciling, stage: string) {
  const { participants, consumer } = of;
  const { id, producer } = of.link.producer;
  const { unequal } = await readBalance(participants, { link: id, producer, consumer });
  return { stage, lanes: unequal, after: '' };
}

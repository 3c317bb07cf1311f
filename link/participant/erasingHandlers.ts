/** The participant API for what a contract version took away and older messages still hold. */
import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { eraseFields } from '../erasing/eraseFields.ts';
import { findTraces } from '../erasing/findTraces.ts';
import { findLink, type ParticipantOptions } from './context.ts';

/** Words of a phrase, unless the request says otherwise: first, middle and last names. */
const LONGEST = 4;

export function erasingHandlers({
  sql,
  produced,
  consumed,
}: Pick<ParticipantOptions, 'sql' | 'produced' | 'consumed'>): Pick<
  Handlers<typeof LinkParticipant>,
  'eraseFields' | 'findTraces'
> {
  return {
    eraseFields: async ({ link, version }) => {
      const changed = await eraseFields(sql, findLink([...produced, ...consumed], link), version);
      const counts = Object.entries(changed).map(([table, rows]) => [table, BigInt(rows)]);
      return { changed: Object.fromEntries(counts) };
    },
    findTraces: async ({ salt, hashes, longest }) => {
      const sought = { salt, hashes: new Set(hashes), longest: longest || LONGEST };
      const places = [...(await findTraces(sql, sought))];
      return { traces: Object.fromEntries(places.map(([place, rows]) => [place, BigInt(rows)])) };
    },
  };
}

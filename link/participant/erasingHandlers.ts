/** The participant API for what a contract version took away and older messages still hold. */
import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { eraseFields } from '../erasing/eraseFields.ts';
import { findLink, type ParticipantOptions } from './context.ts';

export function erasingHandlers({
  sql,
  produced,
  consumed,
}: Pick<ParticipantOptions, 'sql' | 'produced' | 'consumed'>): Pick<
  Handlers<typeof LinkParticipant>,
  'eraseFields'
> {
  return {
    eraseFields: async ({ link, version }) => {
      const changed = await eraseFields(sql, findLink([...produced, ...consumed], link), version);
      const counts = Object.entries(changed).map(([table, rows]) => [table, BigInt(rows)]);
      return { changed: Object.fromEntries(counts) };
    },
  };
}

/**
 * Adds to messages what an older contract version needs and only the owner's row has. It is read at
 * dispatch, in one query for a batch, and never kept: an outbox must not hold what a newer version
 * was made to be rid of.
 */
import { messageOf } from '../../runtime/errors.ts';
import type { EventJson } from '../contracts/contract.ts';
import type { LinkDefinition } from '../link.ts';
import { complementOf, isReadable } from '../versions.ts';
import type { Parcel } from '../wire/parcel.ts';
import { type Dispatcher, failed } from './dispatcher.ts';

/** The owner's fields by key; a key that the owner no longer has is absent. */
export type ReadComplements = (
  keys: readonly string[],
) => Promise<ReadonlyMap<string, EventJson['payload']>>;

/** The same dispatcher for a link with versions that need the owner's fields. */
export function withComplements(
  link: LinkDefinition,
  inner: Dispatcher,
  read: ReadComplements | undefined,
): Dispatcher {
  if (!read || !link.mappings?.some(({ complement }) => complement.length > 0)) return inner;
  const isLacking = ({ row, version }: Parcel) =>
    isReadable(link, row) && complementOf(link, row.event, row.eventVersion, version).length > 0;
  return {
    dispatch: async (parcels) => {
      const lacking = new Set(parcels.filter(isLacking));
      if (lacking.size === 0) return inner.dispatch(parcels);
      try {
        const keys = new Set([...lacking].map(({ row }) => row.key));
        const complements = await read([...keys]);
        return await inner.dispatch(
          parcels.map((parcel) => {
            const complement = lacking.has(parcel) ? complements.get(parcel.row.key) : undefined;
            return complement ? { ...parcel, complement } : parcel;
          }),
        );
      } catch (error) {
        return parcels.map(() => failed(messageOf(error)));
      }
    },
    // Its size is known only with the owner's fields: the transport will say.
    refusalOf: (parcel) => (isLacking(parcel) ? '' : (inner.refusalOf?.(parcel) ?? '')),
  };
}

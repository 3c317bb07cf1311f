/** Joins what the legs of a link publish, so that one publication serves every consumer that it can. */
import type { DispatchResult } from '../transport/dispatcher.ts';
import type { Parcel } from '../wire/parcel.ts';

/** A flight that leaves its leg, in a parcel of its own. */
export interface Departure {
  readonly parcel: Parcel;
  readonly onResult: (result: DispatchResult) => void;
}

/** One publication, and the flights in it. */
export interface Shipment {
  readonly parcel: Parcel;
  readonly departures: readonly Departure[];
}

/**
 * One shipment per message, contract version and resend count, in the order of the outbox. Messages of
 * two legs in the same batch are one publication addressed to both.
 */
export function shipmentsOf(legs: readonly (readonly Departure[])[]): Shipment[] {
  const [only, another] = legs.filter((departures) => departures.length > 0);
  if (!only) return [];
  // The usual case, in the order of the outbox already.
  if (!another) return only.map((one) => ({ parcel: one.parcel, departures: [one] }));
  const groups = Map.groupBy(legs.flat(), ({ parcel: { row, version, resends } }) =>
    [row.eventId, version, resends].join('/'),
  );
  return [...groups.values()].map(joined).sort((a, b) => a.parcel.row.seq - b.parcel.row.seq);
}

function joined(departures: readonly Departure[]): Shipment {
  const parcels = departures.map(({ parcel }) => parcel);
  const to = parcels.flatMap((parcel) => parcel.to);
  const copied = parcels.flatMap((parcel) => parcel.copied);
  return { departures, parcel: { ...parcels[0]!, to, copied } };
}

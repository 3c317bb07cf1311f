/** Groups the flights of a link's legs so that one publication serves every consumer it can. */
import type { Parcel } from '../dispatch/dispatcher.ts';
import type { Flight } from './flight.ts';

export interface ParcelOf {
  readonly parcel: Parcel;
  readonly flights: readonly Flight[];
}

/**
 * One parcel per message, contract version and resend count, in the order given. Messages of two legs
 * in the same batch are one publication addressed to both.
 */
export function parcelsFor(
  batch: readonly { consumer: string; flight: Flight; isCopied: boolean }[],
): ParcelOf[] {
  const groups = new Map<
    string,
    { flights: Flight[]; to: Parcel['to'][number][]; copied: string[] }
  >();
  for (const { consumer, flight, isCopied } of batch) {
    const id = `${flight.row.eventId}/${flight.route!.version}/${flight.resends}`;
    let group = groups.get(id);
    if (!group) {
      group = { flights: [], to: [], copied: [] };
      groups.set(id, group);
    }
    group.flights.push(flight);
    group.to.push({ consumer, epoch: flight.route!.epoch });
    if (isCopied) group.copied.push(consumer);
  }
  return [...groups.values()].map(({ flights, to, copied }) => {
    const { row, route, resends } = flights[0]!;
    return { flights, parcel: { row, version: route!.version, to, shadow: [], copied, resends } };
  });
}

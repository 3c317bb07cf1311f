/** Groups the flights of a link's legs so that one publication serves every consumer it can. */
import type { LinkDefinition } from '../link.ts';
import { travellingVersion } from '../versions.ts';
import type { Parcel } from '../wire/parcel.ts';
import type { Flight } from './flight.ts';

export interface LegFlights {
  readonly consumer: string;
  readonly flights: readonly Flight[];
  /** Whether messages of this lane also get a copy on another path. */
  readonly isCopied: (lane: number) => boolean;
}

export interface ParcelOf {
  readonly parcel: Parcel;
  readonly flights: readonly Flight[];
}

interface Group {
  readonly version: number;
  readonly flights: Flight[];
  readonly to: { consumer: string; epoch: bigint }[];
  readonly copied: string[];
}

/**
 * One parcel per message, contract version and resend count, in the order of the outbox. Messages of
 * two legs in the same batch are one publication addressed to both.
 */
export function parcelsFor(link: LinkDefinition, legs: readonly LegFlights[]): ParcelOf[] {
  const groups = new Map<string, Group>();
  for (const { consumer, flights, isCopied } of legs)
    for (const flight of flights) {
      const version = travellingVersion(link, flight.row, flight.route!.version);
      const id = `${flight.row.eventId}/${version}/${flight.resends}`;
      let group = groups.get(id);
      if (!group) {
        group = { version, flights: [], to: [], copied: [] };
        groups.set(id, group);
      }
      group.flights.push(flight);
      group.to.push({ consumer, epoch: flight.route!.epoch });
      if (isCopied(flight.row.lane)) group.copied.push(consumer);
    }
  return [...groups.values()].map(parcelOf).sort((a, b) => a.parcel.row.seq - b.parcel.row.seq);
}

function parcelOf({ version, flights, to, copied }: Group): ParcelOf {
  const { row, resends } = flights[0]!;
  return { flights, parcel: { row, version, to, shadow: [], copied, resends } };
}

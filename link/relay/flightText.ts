/** In which contract version a flight travels, and which text its consumer hashed. */
import type { LinkDefinition } from '../link.ts';
import type { HashedText } from '../outbox/closer.ts';
import { hashedVersion, textIn, travellingVersion } from '../versions.ts';
import type { Flight } from './flight.ts';

/** By the route of its last dispatch. */
export function versionOf(link: LinkDefinition, { row, route }: Flight): number {
  return route ? travellingVersion(link, row, route.version) : row.eventVersion;
}

/** @throws LinkError NO_MAPPING when the text cannot be written again without the owner's row */
export function settledText(link: LinkDefinition, flight: Flight): HashedText {
  const { row, settledVersion } = flight;
  const version = settledVersion ?? hashedVersion(link, row, versionOf(link, flight));
  return { version, text: textIn(link, row, version) };
}

/** In which contract version a flight travels, and which text its consumer hashed. */
import type { LinkDefinition } from '../link.ts';
import { hashedVersion, textIn, travellingVersion } from '../versions.ts';
import type { Flight } from './flight.ts';

/** By the route of its last dispatch. */
export function versionOf(link: LinkDefinition, { row, route }: Flight): number {
  return route ? travellingVersion(link, row, route.version) : row.eventVersion;
}

/** @throws LinkError NO_MAPPING when the text cannot be written again without the owner's row */
export function settledText(link: LinkDefinition, flight: Flight): string {
  const { row, settledVersion } = flight;
  return textIn(link, row, settledVersion ?? hashedVersion(link, row, versionOf(link, flight)));
}

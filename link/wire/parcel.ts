/**
 * A message ready for dispatch: its addressees, and the consumers that only get a copy to compare.
 */
import type { EventJson } from '../contracts/contract.ts';
import { LinkError } from '../errors.ts';
import type { LinkDefinition } from '../link.ts';
import type { OutboxRow } from '../outbox/openRows.ts';
import { hashedVersion, isReadable, textIn } from '../versions.ts';

export interface Parcel {
  readonly row: OutboxRow;
  /** The contract version that it travels in. */
  readonly version: number;
  readonly to: readonly { readonly consumer: string; readonly epoch: bigint }[];
  readonly shadow: readonly string[];
  /** Of `to`: consumers that also get a copy on another path. */
  readonly copied: readonly string[];
  /** How many times it was resent because no receipt came. */
  readonly resends: number;
  /** What an older version needs and only the owner has, read at dispatch. */
  readonly complement?: EventJson['payload'];
}

/**
 * The event's canonical text in the version that it travels in.
 * @throws LinkError NO_MAPPING
 */
export function textOf(link: LinkDefinition, { row, version, complement }: Parcel): string {
  if (!isReadable(link, row)) {
    const written = `${row.event} v${row.eventVersion}`;
    throw new LinkError('NO_MAPPING', `this build of ${link.producer} does not read ${written}`);
  }
  return textIn(link, row, version, complement);
}

/** The version whose text is hashed, where it is not the one that travels. */
export function otherHashedVersion(link: LinkDefinition, parcel: Parcel): number | undefined {
  const { row, version } = parcel;
  const hashed = hashedVersion(link, row, version);
  return hashed === version ? undefined : hashed;
}

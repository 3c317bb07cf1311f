/**
 * A message ready for dispatch: its addressees, and the consumers that only get a copy to compare.
 */
import { LinkError } from '../errors.ts';
import { contractOf, type LinkDefinition } from '../link.ts';
import type { OutboxRow } from '../outbox/openRows.ts';

export interface Parcel {
  readonly row: OutboxRow;
  /** The contract version of the route. */
  readonly version: number;
  readonly to: readonly { readonly consumer: string; readonly epoch: bigint }[];
  readonly shadow: readonly string[];
  /** Of `to`: consumers that also get a copy on another path. */
  readonly copied: readonly string[];
  /** How many times it was resent because no receipt came. */
  readonly resends: number;
}

/** The event's canonical text in the contract version of the route. */
export function textFor(link: LinkDefinition, row: OutboxRow, version: number): string {
  if (row.eventVersion === version) return row.body;
  const from = contractOf(link, row.event, row.eventVersion);
  const to = contractOf(link, row.event, version);
  throw new LinkError(
    'NO_TRANSPORT',
    `${row.event} has no mapping from v${from?.version ?? row.eventVersion} to v${to?.version ?? version}`,
  );
}

/** A message as it is dispatched: to whom for real, and to whom as a copy to be compared. */
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
  /** How often it was sent again because no receipt came. */
  readonly resends: number;
}

/** The event's canonical text in the contract version of the route. */
export function textFor(link: LinkDefinition, row: OutboxRow, version: number): string {
  if (row.eventVersion === version) return row.body;
  const from = contractOf(link, row.event, row.eventVersion);
  const to = contractOf(link, row.event, version);
  throw new LinkError(
    'NO_TRANSPORT',
    `no mapping of ${row.event} from v${from?.version ?? row.eventVersion} to v${to?.version ?? version}`,
  );
}

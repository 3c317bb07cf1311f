/** What may be left of a message's text once a contract version has taken fields away. */
import { decodeText } from '../contracts/contract.ts';
import type { LinkDefinition } from '../link.ts';
import { contractAt, contractOf, textIn, type WrittenEvent } from '../versions.ts';

/**
 * The message in the named version or a newer one; empty when it fits no contract: then nobody can
 * say which of its fields hold what.
 */
export function erasedBody(
  link: LinkDefinition,
  written: WrittenEvent,
  version: number,
): WrittenEvent {
  const { event, eventVersion, body } = written;
  const contract = contractOf(link, event, eventVersion);
  const blank = { ...written, body: '' };
  if (!contract || body === '' || !decodeText(contract, body).ok) return blank;
  const wanted = contractAt(link, event, version)?.version ?? eventVersion;
  if (eventVersion >= wanted) return written;
  return { event, eventVersion: wanted, body: textIn(link, written, wanted) };
}

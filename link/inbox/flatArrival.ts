/**
 * Events that the map lets producers elsewhere publish flat (contracts/flat.ts). Such a producer knows
 * the message id and what happened, and nothing of routes: no outbox row waits for its receipt. So its
 * messages are of epoch 0, of which there is no certificate and which no fence refuses; they remain
 * visible as written around the outbox.
 */
import { type Contract, type Decoded, decodeText, type EventJson } from '../contracts/contract.ts';
import { acceptFlat, isFlat } from '../contracts/flat.ts';
import type { LinkDefinition } from '../link.ts';

/** What an arrival (delivery.ts) knows that may be missing beside a flat event. */
interface Headed {
  readonly event: string;
  readonly eventId: string;
  readonly key: string;
  readonly version: bigint;
  readonly text: string;
}

export interface Opened<Arrival> {
  /** With what a flat event says itself, where no header does. */
  readonly arrival: Arrival;
  readonly decoded: Decoded<EventJson>;
  readonly isFlat: boolean;
}

/** Reads the event in an arrival. Its text, which is hashed, stays as it came. */
export function openArrival<Arrival extends Headed>(
  link: LinkDefinition,
  contract: Contract<EventJson>,
  arrival: Arrival,
): Opened<Arrival> {
  const decoded = decodeText(contract, arrival.text);
  const enveloped = { arrival, decoded, isFlat: false };
  if (decoded.ok || !link.flat?.includes(arrival.event)) return enveloped;
  const value = parse(arrival.text);
  if (!isFlat(contract, value)) return enveloped;
  const eventId = arrival.eventId.toLowerCase();
  const flat = {
    ...arrival,
    eventId,
    key: arrival.key || String(value[link.keyField] ?? ''),
    version: arrival.version || versionWithout(link),
  };
  // No handler sees when an event was produced, and nothing keeps it: the time of reading will do.
  const producedAt = new Date().toISOString();
  return {
    arrival: flat,
    decoded: acceptFlat(contract, value, { eventId, producedAt }),
    isFlat: true,
  };
}

/** Events that are applied in any order need no version; of states the newest must be known. */
function versionWithout({ kind }: LinkDefinition): bigint {
  return kind === 'functional' ? 1n : 0n;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

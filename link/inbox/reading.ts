/** How messages of one event in one version are read: worked out once, and used for each of them. */
import type { Contract, EventJson } from '../contracts/contract.ts';
import type { LinkDefinition } from '../link.ts';
import {
  complementOf,
  contractAt,
  mapPayload,
  newestContract,
  readableContract,
} from '../versions.ts';

type Payload = EventJson['payload'];

/** What a handler is given of a payload. */
export interface InForm {
  readonly contractVersion: number;
  /** In the newest contract version, whatever it travelled in. */
  readonly payload: Payload;
  /** What a row in the form of `contractVersion` has beside it. */
  readonly older: Payload;
}

export interface Came {
  readonly event: string;
  readonly eventVersion: number;
  readonly hashedVersion: number;
}

export interface Reading extends Came {
  readonly oldestForm: number;
  readonly contract: Contract<EventJson>;
  /** @throws LinkError NO_MAPPING */
  readonly inForm: (payload: Payload) => InForm;
}

/** By event; of each there are a few. */
const readings = new WeakMap<LinkDefinition, Map<string, Reading[]>>();
const NOTHING: Payload = Object.freeze({});

/**
 * `oldestForm` is the oldest version in whose form rows can be stored. Undefined when this build does
 * not read both versions: what others may invent is not kept.
 */
export function readingOf(
  link: LinkDefinition,
  came: Came,
  oldestForm: number,
): Reading | undefined {
  const { event, eventVersion, hashedVersion } = came;
  const known = readings.get(link) ?? new Map<string, Reading[]>();
  for (const one of known.get(event) ?? [])
    if (
      one.eventVersion === eventVersion &&
      one.hashedVersion === hashedVersion &&
      one.oldestForm === oldestForm
    )
      return one;
  const reading = workOut(link, came, oldestForm);
  if (reading) readings.set(link, known.set(event, [...(known.get(event) ?? []), reading]));
  return reading;
}

function workOut(link: LinkDefinition, came: Came, oldestForm: number): Reading | undefined {
  const { event, eventVersion: from, hashedVersion } = came;
  const contract = readableContract(link, event, from) as Contract<EventJson> | undefined;
  if (!contract || !readableContract(link, event, hashedVersion)) return undefined;
  const newest = newestContract(link, event)!.version;
  const contractVersion = contractAt(link, event, Math.max(from, oldestForm))!.version;
  const as = (payload: Payload, to: number) => mapPayload(link, { event, payload }, { from, to });
  const asItCame = (payload: Payload) => ({ contractVersion, payload, older: NOTHING });
  const mapped = (payload: Payload) => {
    const gone = complementOf(link, event, newest, contractVersion);
    const shown = as(payload, contractVersion);
    const older = Object.fromEntries(gone.map((field) => [field, shown[field]]));
    return { contractVersion, payload: as(payload, newest), older };
  };
  const inForm = from === newest ? asItCame : mapped;
  return { ...came, oldestForm, contract, inForm };
}

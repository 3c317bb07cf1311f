/** Makes an existing stream and its durable consumers as the map of links wants them. */
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { wantedConsumer, wantedStream } from '../../link/transport/jetStream/provision.ts';
import { messageOf } from '../../runtime/errors.ts';
import {
  type DemandingLink,
  demandOf,
  findDifferences,
  isFixed,
  type StreamDifference,
} from './differences.ts';

export interface MendedDifference extends StreamDifference {
  readonly isMended: boolean;
  /** Why it is left, and what to do; empty when it is mended. */
  readonly problem: string;
}

/** Changes what the broker lets be changed, one field at a time, and reads what came of it. */
export async function mendStream(
  manager: JetStreamManager,
  link: DemandingLink,
): Promise<MendedDifference[]> {
  const found = await findDifferences(manager, link);
  const problems = new Map<StreamDifference, string>();
  for (const one of found) problems.set(one, await mendOne(manager, link, one));
  const left = new Set((await findDifferences(manager, link)).map(placeOf));
  return found.map((one) => {
    const isMended = !left.has(placeOf(one));
    return { ...one, isMended, problem: isMended ? '' : problems.get(one)! };
  });
}

function placeOf({ durable, field }: StreamDifference): string {
  return `${durable}/${field}`;
}

/** Why it cannot be, or empty. */
async function mendOne(
  manager: JetStreamManager,
  link: DemandingLink,
  one: StreamDifference,
): Promise<string> {
  if (isFixed(one)) return remake(link.id, one);
  try {
    if (one.durable) await changeDurable(manager, link.id, one);
    else await changeStream(manager, link, one.field);
    return '';
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    return `the broker refuses: ${messageOf(error)}`;
  }
}

async function changeStream(manager: JetStreamManager, link: DemandingLink, field: string) {
  const wanted: Record<string, unknown> = wantedStream(link.id, demandOf(link));
  await manager.streams.update(link.id, { [field]: wanted[field] });
}

async function changeDurable(
  manager: JetStreamManager,
  link: string,
  { durable, field }: StreamDifference,
) {
  const wanted: Record<string, unknown> = wantedConsumer(durable);
  // What nobody wants is left out.
  await manager.consumers.update(link, durable, { [field]: wanted[field] });
}

function remake(link: string, { durable }: StreamDifference): string {
  if (durable)
    return `it cannot be changed: nats consumer rm ${link} ${durable}; the operator makes it anew, and what was applied is not applied again`;
  return `it cannot be changed: nats stream rm ${link}; the operator makes it anew, and what was not settled is sent again`;
}

/**
 * Stores the rows of both sides of a link as a contract version has them, where they are; what a
 * replica cannot make of its own rows is sent to it anew by the owner, which has it.
 */
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { compareRows, type ParitySides, type Suspect } from './parity.ts';
import { waitForRoom } from './room.ts';

const KEYS_AT_ONCE = 1_000;
/** Rows on their way have this long to arrive before they count as missing. */
const ARRIVAL_MS = 1_000;

interface Pass {
  readonly after: string;
  readonly isOver: boolean;
  readonly seen: number;
  readonly total: number;
  readonly stored: number;
  readonly left: number;
}

const BEGINNING: Pass = { after: '', isOver: false, seen: 0, total: 0, stored: 0, left: 0 };

/**
 * Goes through the rows of the owner and of every replica, page by page; a repetition goes on after
 * the last page. Returns how many rows are stored otherwise still, by service.
 */
export async function storeRowsOfLink(
  context: StepContext,
  version: number,
): Promise<ReadonlyMap<string, number>> {
  const { producer, consumers } = context.run;
  const left = new Map<string, number>();
  for (const service of [producer, ...consumers])
    left.set(service, await storeRowsOf(context, service, version));
  return left;
}

async function storeRowsOf(context: StepContext, service: string, version: number) {
  let pass = passIn(context.checkpoint, service, version);
  while (!pass.isOver) {
    for (const consumer of context.run.consumers) await waitForRoom(context, consumer);
    pass = await storePage(context, service, version, pass);
    await savePass(context, service, version, pass);
    if (!pass.isOver) await stepPause(context.run.settings.store_pause_ms, context.signal);
  }
  const rest = pass.left === 0 ? '' : `, ${pass.left} left: they lack what v${version} needs`;
  const changed = `${pass.stored} of ${pass.total} changed${rest}`;
  await context.observe(`rows of ${service} stored as v${version}`, changed);
  return pass.left;
}

async function storePage(
  { run, participants }: StepContext,
  service: string,
  version: number,
  pass: Pass,
): Promise<Pass> {
  const limit = run.settings.store_rows;
  const request = { link: run.link, version, afterKey: pass.after, limit };
  const page = await participants.of(service).storeRows(request, REPEATABLE);
  const total = pass.after === '' ? Number(page.total) : pass.total;
  const isOver = page.nextKey === '';
  return {
    ...{ after: page.nextKey, isOver, total },
    seen: isOver ? total : Math.min(total, pass.seen + limit),
    stored: pass.stored + page.stored,
    left: pass.left + page.left,
  };
}

const keyOf = (service: string, version: number) => `${service} v${version}`;

function passIn(checkpoint: JsonObject, service: string, version: number): Pass {
  return (checkpoint[keyOf(service, version)] as unknown as Pass | undefined) ?? BEGINNING;
}

async function savePass(context: StepContext, service: string, version: number, pass: Pass) {
  const checkpoint = { ...context.checkpoint, [keyOf(service, version)]: { ...pass } };
  const { producer, consumers } = context.run;
  const passes = [producer, ...consumers].map((one) => passIn(checkpoint, one, version));
  const sum = (of: 'seen' | 'total') => passes.reduce((total, one) => total + one[of], 0);
  await context.save(checkpoint, { done: sum('seen'), total: sum('total') });
}

/**
 * Raises what the replica does not hold as the owner has it, and sends it again: a replica with the
 * same version and another content would not take it otherwise. Safe to repeat.
 */
export async function resendDiffering(context: StepContext, sides: ParitySides, consumer: string) {
  const { differing } = await compareRows(sides, ARRIVAL_MS, context.signal);
  const keys = differing.filter(isOfOwner).map(({ key }) => key);
  for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
    await waitForRoom(context, consumer);
    await raise(context, consumer, keys.slice(at, at + KEYS_AT_ONCE));
  }
  if (keys.length > 0) await context.observe(`rows sent again to ${consumer}`, String(keys.length));
}

function isOfOwner({ version }: Suspect): boolean {
  return version > 0n;
}

async function raise({ run, participants }: StepContext, consumer: string, keys: string[]) {
  const request = { link: run.link, consumer, limit: keys.length, keys, raiseVersions: true };
  await participants.of(run.producer).backfill(request, REPEATABLE);
}

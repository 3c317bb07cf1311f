/**
 * A database that went back in time leaves epochs whose two sides stay different for ever: what was lost
 * is repaired by newer messages, or a person decided it. Such an epoch is certified with what differs as
 * a signed exception, never as equal:
 *
 * - a formal leg's consumer that lost messages, once its rows show every row of the owner
 * - anything else when a person accepts exactly these differences (`relink resume --accept-differences`)
 */
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import {
  type ClosedLane,
  type ClosingStatement,
  isAllSettled,
  isLaneEqual,
  type NamedException,
} from '../certificate.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import type { JsonObject } from '../run/record.ts';
import type { Differing } from './differing.ts';
import { compareRows, sidesOf } from './parity.ts';

/** Rows on their way have this long to arrive. */
const PATIENCE_MS = 3_000;
/** Ids in one certificate. */
const NAMED = 100;

/** The memory of a run: what differed when it stopped, by consumer and then by epoch and lane. */
const DIFFERING = 'differing';
/** The memory of a run: who accepted that, and why. */
export const ACCEPTED = 'accepted';

type Accepted = { readonly by: string; readonly reason: string };

/** Before the run stops: only what a person could see then can be accepted. */
export async function noteDiffering(
  context: StepContext,
  consumer: string,
  statements: readonly ClosingStatement[],
): Promise<void> {
  const all = (context.run.memory[DIFFERING] ?? {}) as JsonObject;
  const places = Object.fromEntries(
    statements.flatMap(({ epoch, lanes }) =>
      lanes.filter(differs).map((lane) => [`${epoch}/${lane.lane}`, tellSides(lane)]),
    ),
  );
  await context.remember({ [DIFFERING]: { ...all, [consumer]: places }, [ACCEPTED]: null });
}

/** The statement with its exception; as it was where nothing of it differs, or may be accepted. */
export async function withAccepted(
  context: StepContext,
  statement: ClosingStatement,
  named: readonly Differing[],
): Promise<ClosingStatement> {
  const differing = statement.lanes.filter(differs);
  if (differing.length === 0) return statement;
  const accepted = acceptedByPerson(context, statement) ?? (await healed(context, statement));
  if (!accepted) return statement;
  const lanes = differing.map(({ lane }) => lane);
  return { ...statement, accepted: { ...accepted, lanes, messages: nameSome(statement, named) } };
}

/** Both sides know all that they will: a parked message is none of this. */
function differs(lane: ClosedLane): boolean {
  return !isLaneEqual(lane) && isAllSettled(lane);
}

function tellSides({ closed, inbox }: ClosedLane): string {
  return `${closed.count} ${closed.sum} ${inbox.count} ${inbox.sum}`;
}

function acceptedByPerson({ run }: StepContext, statement: ClosingStatement): Accepted | undefined {
  const accepted = run.memory[ACCEPTED] as Accepted | null | undefined;
  const noted = (run.memory[DIFFERING] ?? {}) as Record<string, Record<string, string>>;
  const places = noted[statement.consumer] ?? {};
  const isAsNoted = (lane: ClosedLane) =>
    places[`${statement.epoch}/${lane.lane}`] === tellSides(lane);
  return accepted && statement.lanes.filter(differs).every(isAsNoted) ? accepted : undefined;
}

/** What the consumer has in excess came from nobody knows where: that only a person can judge. */
async function healed(context: StepContext, statement: ClosingStatement) {
  const { run, participants } = context;
  const isLoss = statement.lanes.filter(differs).every((one) => one.inbox.count < one.closed.count);
  const isPulled = [run.from, run.to].some(({ transport }) => transport === 'pull');
  if (!isLoss || isPulled) return undefined;
  const { produces } = await participants.of(run.producer).describe({}, REPEATABLE);
  if (produces.find(({ id }) => id === run.link)?.kind !== LinkKind.FORMAL) return undefined;
  const sides = sidesOf(context, statement.consumer);
  const { rows, differing } = await compareRows(sides, PATIENCE_MS, context.signal);
  if (differing.length > 0) return undefined;
  return { by: 'parity', reason: `the replica shows all ${rows} rows of the owner` };
}

function nameSome({ epoch }: ClosingStatement, named: readonly Differing[]): NamedException[] {
  return named
    .filter((one) => Number(one.epoch) === epoch)
    .slice(0, NAMED)
    .map(({ eventId, lane, how }) => ({ event_id: eventId, lane, outcome: how }));
}

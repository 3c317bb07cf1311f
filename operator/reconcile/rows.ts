/**
 * Rows of a formal link's replica that are not the owner's. Whichever side went back, the owner's state
 * wins: rows are sent again, and where the replica is ahead their versions are raised first. The stage
 * goes in rounds: what one sent, the next one looks for.
 */
import { compareRows, type Suspect } from '../../migration/leg/parity.ts';
import { rowSides } from '../../migration/leg/verify.ts';
import { REPEATABLE } from '../../migration/participants.ts';
import { invalidField } from '../../rpc/errors.ts';
import { type ComparedPage, type Reconciling, sidesOf } from './page.ts';

/** Rows on their way have this long to arrive. */
const PATIENCE_MS = 3_000;
const KEYS_AT_ONCE = 1_000;
/** Each raises versions by one; further rounds are another call of the command. */
const ROUNDS = 10;

export async function compareReplica(
  of: Reconciling,
  _lanes: readonly number[],
  after: string,
): Promise<ComparedPage> {
  const round = after === '' ? 0 : Number(after);
  if (!Number.isInteger(round) || round < 0)
    throw invalidField('after', 'must be next of the page before, or empty to begin');
  const sides = await rowSides(of);
  if (!sides) return { differences: [], compared: 0 };
  const { rows, differing } = await compareRows(sides, PATIENCE_MS);
  const owned = differing.filter(({ version }) => version > 0n);
  const isGoingOn = of.isRepairing && owned.length > 0 && round < ROUNDS;
  if (isGoingOn) await sendRows(of, owned, round > 0);
  // Every row is told once: in the first round, and what only the replica has in any.
  const told = round === 0 || !isGoingOn ? differing : [];
  return {
    differences: told.map((row) => describe(of, row, isGoingOn)),
    compared: rows,
    next: isGoingOn ? String(round + 1) : undefined,
  };
}

async function sendRows(of: Reconciling, rows: readonly Suspect[], raiseVersions: boolean) {
  const { leg, producer } = sidesOf(of);
  for (let at = 0; at < rows.length; at += KEYS_AT_ONCE) {
    const keys = rows.slice(at, at + KEYS_AT_ONCE).map(({ key }) => key);
    await producer.backfill({ ...leg, keys, limit: keys.length, raiseVersions }, REPEATABLE);
  }
}

function describe(of: Reconciling, { key, version }: Suspect, isSent: boolean) {
  const row = { ...sidesOf(of).leg, kind: 'row', key, version };
  const { producer } = of.link.producer;
  if (version === 0n)
    return {
      ...row,
      proposal: `only ${of.consumer} has it: a person makes it again at ${producer}, or removes it at ${of.consumer}`,
    };
  if (isSent) return { ...row, done: 'sent again' };
  return { ...row, proposal: `${producer}'s state wins: send it again (--repair)` };
}

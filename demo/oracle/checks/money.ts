/** The money: one credit per accepted solution, one debit per revoked one, and nothing else. */
import type { Database } from '../../../runtime/postgres.ts';
import {
  accountOf,
  bonusFor,
  COMPANY_ACCOUNT,
  UNRATED,
} from '../../../services/bonuses/domain/booking.ts';
import type { History } from '../../traffic/history.ts';
import type { ExpectedSolution, ExpectedState } from '../expectedState.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  findingOf,
  formatCount,
  NO_LINK,
} from '../findings.ts';

const BOOKED = { link: 'COMM-040', consumer: 'bonuses' };
const PAID = { link: 'COMM-080', consumer: 'finance' };

interface BookingRow {
  id: string;
  kind: 'credit' | 'debit';
  solutionId: string;
  assessmentId: string;
  managerId: string;
  amountMinor: bigint;
  rating: number;
  ratingVersion: bigint;
}

interface TransferRow {
  id: string;
  kind: string;
  accountId: string;
  amountMinor: bigint;
}

/** The money in `demo-report.json`, in minor units. */
export interface MoneyReport {
  credits: number;
  debits: number;
  credited_minor: number;
  debited_minor: number;
  /** Owed to the authors: credits less debits. */
  owed_minor: number;
  transfers: number;
  /** Paid to the authors by finance, less what it took back. */
  paid_minor: number;
  ledger_sum_minor: number;
}

export interface MoneyJudgement {
  readonly checks: readonly Check[];
  readonly money: MoneyReport;
}

export async function judgeMoney(
  history: History,
  expected: ExpectedState,
  { bonuses, finance }: { bonuses: Database; finance: Database },
): Promise<MoneyJudgement> {
  const bookings = await readBookings(bonuses);
  const transfers = await finance<TransferRow[]>`
    select id, kind, account_id as "accountId", amount_minor as "amountMinor"
    from transfers where link = 'COMM-080'`;
  const balances = await readBalances(bonuses);
  const ours = bookings.filter(({ assessmentId }) => history.assessments.get(assessmentId));
  return {
    checks: [
      checkBookings(ours, expected),
      checkBonuses(ours, history),
      checkBalances(bookings, balances),
      checkTransfers(bookings, transfers),
    ],
    money: reportMoney(bookings, transfers, balances),
  };
}

/** Exactly one credit per accepted solution, one equal debit per revoked one, to the author. */
function checkBookings(bookings: readonly BookingRow[], { solutions }: ExpectedState): Check {
  const bySolution = new Map<string, BookingRow[]>();
  for (const booking of bookings)
    bySolution.set(booking.solutionId, [...(bySolution.get(booking.solutionId) ?? []), booking]);
  const lost: Case[] = [];
  const doubled: Case[] = [];
  const changed: Case[] = [];
  const count = { credit: 0, debit: 0 };
  for (const [id, solution] of solutions) {
    const own = bySolution.get(id) ?? [];
    bySolution.delete(id);
    for (const kind of ['credit', 'debit'] as const) {
      const wanted = isBooked(solution, kind) ? 1 : 0;
      const there = own.filter((one) => one.kind === kind).length;
      count[kind] += wanted;
      if (there < wanted) lost.push(caseOf(id, versionOf(kind)));
      if (there > wanted) doubled.push(caseOf(id, versionOf(kind), { count: there - wanted }));
    }
    const [first] = own;
    const isEqual = own.every(
      (one) => one.managerId === solution.authorId && one.amountMinor === first?.amountMinor,
    );
    if (!isEqual) changed.push(caseOf(id));
  }
  for (const id of bySolution.keys()) doubled.push(caseOf(id, 0n));
  return checkOf(
    `${formatCount(count.credit)} accepted solutions are credited, ${formatCount(count.debit)} revoked ones debited`,
    [
      findingOf('lost', BOOKED, 'solutions without a booking', lost),
      findingOf('doubled', BOOKED, 'bookings without a solution', doubled),
      findingOf('changed', BOOKED, 'bookings with the wrong author or amount', changed),
    ],
  );
}

function isBooked({ isCorrect, isRevoked }: ExpectedSolution, kind: BookingRow['kind']): boolean {
  return kind === 'credit' ? isCorrect : isRevoked;
}

/** The version of the solution's message that causes the booking. */
function versionOf(kind: BookingRow['kind']): bigint {
  return kind === 'credit' ? 1n : 2n;
}

/** Each bonus follows from the rating that hiring had in the version that the booking names. */
function checkBonuses(bookings: readonly BookingRow[], history: History): Check {
  const foreign: Case[] = [];
  const wrong: Case[] = [];
  const unheard = new Set<string>();
  for (const { id, assessmentId, rating, ratingVersion, amountMinor } of bookings) {
    if (amountMinor !== bonusFor(rating)) wrong.push(caseOf(id));
    const unrated = ratingVersion === UNRATED.version ? UNRATED : undefined;
    const was = history.ratingOf(assessmentId, ratingVersion) ?? unrated;
    if (was && was.rating !== rating) foreign.push(caseOf(id, ratingVersion));
    else if (!was) unheard.add(`${assessmentId} ${ratingVersion}`);
  }
  // Each lost answer may have been the only one that named its version of a rating.
  const unexplained = [...unheard].slice(history.unknownRatings).map((one) => {
    const [assessmentId = '', version = '0'] = one.split(' ');
    return caseOf(assessmentId, BigInt(version));
  });
  return checkOf(`${formatCount(bookings.length)} bookings use a rating that hiring had`, [
    findingOf('changed', NO_LINK, 'bookings with a rating that hiring never had', [
      ...foreign,
      ...unexplained,
    ]),
    findingOf('changed', NO_LINK, 'bookings whose amount does not match their rating', wrong),
  ]);
}

/** Every account balance is the sum of its bookings, and all balances sum to zero. */
function checkBalances(
  bookings: readonly BookingRow[],
  balances: ReadonlyMap<string, bigint>,
): Check {
  const wanted = new Map<string, bigint>();
  const add = (account: string, amount: bigint) =>
    wanted.set(account, (wanted.get(account) ?? 0n) + amount);
  for (const { managerId, kind, amountMinor } of bookings) {
    const gained = kind === 'credit' ? amountMinor : -amountMinor;
    add(accountOf(managerId), gained);
    add(COMPANY_ACCOUNT, -gained);
  }
  const accounts = new Set([...wanted.keys(), ...balances.keys()]);
  const wrong = [...accounts]
    .filter((account) => (wanted.get(account) ?? 0n) !== (balances.get(account) ?? 0n))
    .map((account) => caseOf(account));
  const sum = sumOf(balances.values());
  const authors = accounts.has(COMPANY_ACCOUNT) ? accounts.size - 1 : accounts.size;
  return checkOf(
    `${formatCount(authors)} authors' balances are correct, and the ledger sums to zero`,
    [
      findingOf('changed', NO_LINK, 'accounts with a wrong balance', wrong),
      findingOf(
        'changed',
        NO_LINK,
        'the ledger does not sum to zero',
        sum === 0n ? [] : [caseOf('all')],
      ),
    ],
  );
}

/** Finance made one transfer for each booking above zero, and no other for bonuses. */
function checkTransfers(bookings: readonly BookingRow[], transfers: readonly TransferRow[]): Check {
  const moved = new Map<string, TransferRow[]>();
  for (const transfer of transfers)
    moved.set(transfer.id, [...(moved.get(transfer.id) ?? []), transfer]);
  const lost: Case[] = [];
  const changed: Case[] = [];
  const doubled: Case[] = [];
  for (const { id, kind, managerId, amountMinor } of bookings) {
    const [transfer, ...more] = moved.get(id) ?? [];
    if (amountMinor === 0n) continue;
    moved.delete(id);
    if (!transfer) lost.push(caseOf(id));
    else if (
      transfer.kind !== kind ||
      transfer.accountId !== managerId ||
      transfer.amountMinor !== amountMinor
    )
      changed.push(caseOf(id));
    if (more.length > 0) doubled.push(caseOf(id, 0n, { count: more.length }));
  }
  for (const id of moved.keys()) doubled.push(caseOf(id));
  return checkOf(`${formatCount(transfers.length)} transfers at finance match the bookings`, [
    findingOf('lost', PAID, 'bookings without a transfer at finance', lost),
    findingOf('changed', PAID, 'transfers with the wrong kind, account or amount', changed),
    findingOf('doubled', PAID, 'transfers without a booking', doubled),
  ]);
}

async function readBookings(sql: Database): Promise<BookingRow[]> {
  return sql<BookingRow[]>`
    select id, kind, solution_id as "solutionId", assessment_id as "assessmentId",
      manager_id as "managerId", amount_minor as "amountMinor", rating,
      rating_version as "ratingVersion"
    from bookings order by seq`;
}

/** By account. */
async function readBalances(sql: Database): Promise<Map<string, bigint>> {
  const rows = await sql<{ account: string; amount: bigint }[]>`
    select account, sum(amount_minor)::int8 as amount from ledger_entries group by account`;
  return new Map(rows.map(({ account, amount }) => [account, amount]));
}

function reportMoney(
  bookings: readonly BookingRow[],
  transfers: readonly TransferRow[],
  balances: ReadonlyMap<string, bigint>,
): MoneyReport {
  const amounts = (kind: string, rows: readonly { kind: string; amountMinor: bigint }[]) =>
    rows.filter((one) => one.kind === kind).map(({ amountMinor }) => amountMinor);
  const [credits, debits] = [amounts('credit', bookings), amounts('debit', bookings)];
  const paid = sumOf(amounts('credit', transfers)) - sumOf(amounts('debit', transfers));
  return {
    credits: credits.length,
    debits: debits.length,
    credited_minor: Number(sumOf(credits)),
    debited_minor: Number(sumOf(debits)),
    owed_minor: Number(sumOf(credits) - sumOf(debits)),
    transfers: transfers.length,
    paid_minor: Number(paid),
    ledger_sum_minor: Number(sumOf(balances.values())),
  };
}

function sumOf(amounts: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum;
}

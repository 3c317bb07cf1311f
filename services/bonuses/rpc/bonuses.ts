/** The API of bonuses: what managers earned, and whether every cent is accounted for. */
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database } from 'relink';
import { type Handlers, readPage, unknownId } from 'relink/rpc';
import type { BonusesService } from '../../../gen/bonuses/v1/bonuses_service_pb.ts';
import { BookingKind, BookingSchema } from '../../../gen/bonuses/v1/statement_pb.ts';
import { findManagerReplica } from '../../managerReplicas.ts';
import { pageBySeq, tokenOf } from '../../paging.ts';
import type { ServiceContext } from '../../service.ts';
import type { Booking } from '../domain/booking.ts';
import { type Balance, listBookings, readBalance } from '../store/ledger.ts';
import { type AskFinance, reconcile } from './reconcile.ts';

interface BonusesContext extends Pick<ServiceContext, 'sql'> {
  readonly finance: () => AskFinance;
}

export function bonusesHandlers({ sql, finance }: BonusesContext): Handlers<typeof BonusesService> {
  return {
    getManagerReplica: async ({ managerId }) => {
      const manager = await findManagerReplica(sql, managerId);
      if (!manager) throw unknownId('manager_id', 'manager replica');
      const { id, firstName, lastName, ...rest } = manager;
      const names = { firstName: firstName ?? '', lastName: lastName ?? '' };
      return { manager: { managerId: id, ...names, ...rest } };
    },
    getBalance: async ({ managerId: id }) => {
      const managerId = id.toLowerCase();
      const { entries: _, ...balance } = await requireBalance(sql, managerId);
      return { managerId, ...balance };
    },
    getStatement: async (request) => {
      const managerId = request.managerId.toLowerCase();
      const page = pageBySeq(request);
      await requireBalance(sql, managerId);
      const { entries, next } = await readPage({
        ...page,
        read: (wanted) => listBookings(sql, managerId, wanted),
        keyOf: ({ seq }) => seq,
        entry: BookingSchema,
        toWire,
      });
      return { bookings: entries, nextPageToken: tokenOf(next) };
    },
    reconcile: () => reconcile(sql, finance()),
  };
}

/** An account is known by its manager, or by its bookings when these came before the replica. */
async function requireBalance(sql: Database, managerId: string): Promise<Balance> {
  const balance = await readBalance(sql, managerId);
  if (balance.entries === 0 && !(await findManagerReplica(sql, managerId)))
    throw unknownId('manager_id', 'manager');
  return balance;
}

function toWire(booking: Booking) {
  const { id, kind, solutionId, assessmentId, amountMinor, rating, acceptedBy, bookedAt } = booking;
  return {
    bookingId: id,
    kind: kind === 'credit' ? BookingKind.CREDIT : BookingKind.DEBIT,
    solutionId,
    assessmentId,
    amountMinor,
    rating: rating.rating,
    ratingVersion: rating.version,
    acceptedBy,
    bookedAt: timestampFromDate(bookedAt),
  };
}

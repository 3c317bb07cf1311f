/** The participant API for dead letters. */
import { DeadLetterSchema, type LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import { RpcError, unknownId } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import {
  countDeadLetters,
  type DeadLetterRow,
  discardDeadLetter,
  editDeadLetter,
  listDeadLetters,
  readDeadLetter,
} from '../inbox/deadLetters.ts';
import { countParked, passOver } from '../inbox/ordered.ts';
import { redrive } from '../inbox/redrive.ts';
import { findLink, type ParticipantOptions } from './context.ts';

type Methods =
  | 'listDeadLetters'
  | 'getDeadLetter'
  | 'redriveDeadLetter'
  | 'discardDeadLetter'
  | 'editDeadLetter';

const PAGE = 100;

export function deadLetterHandlers(
  options: Pick<ParticipantOptions, 'sql' | 'service' | 'consumed' | 'handlers'>,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const { sql, service, consumed, handlers } = options;
  const require = async (id: string) => {
    const row = await readDeadLetter(sql, id);
    if (!row) throw unknownId('id', 'dead letter');
    return row;
  };
  return {
    listDeadLetters: async ({ link, limit, afterId, all }) => {
      const { entries, next } = await readPage({
        after: afterId,
        limit: limit || PAGE,
        read: (page) => listDeadLetters(sql, { link, all, limit: page.limit, afterId: page.after }),
        keyOf: ({ id }) => id,
        entry: DeadLetterSchema,
        toWire: (row) => toWire(row, service),
      });
      return {
        deadLetters: entries,
        nextId: next ?? '',
        total: BigInt(await countDeadLetters(sql, link)),
        parked: BigInt(await countParked(sql, link)),
      };
    },
    getDeadLetter: async ({ id }) => ({ deadLetter: toWire(await require(id), service) }),
    redriveDeadLetter: async ({ id, actor, outOfTurn }) => {
      const row = await require(id);
      const [link, handler] = [findLink(consumed, row.link), handlers[row.link]!];
      const how = { isOutOfTurn: outOfTurn };
      const result = await redrive(sql, link, handler, id, actor, how);
      if (result.outcome === 'gone') throw notDead(await require(id));
      if (result.outcome === 'dead') return { outcome: Outcome.DEAD, detail: result.detail };
      const outcome = result.outcome === 'applied' ? Outcome.APPLIED : Outcome.SUPERSEDED;
      return { outcome };
    },
    discardDeadLetter: async ({ id, actor, reason }) => {
      const row = await require(id);
      const isDiscarded = await sql.begin(async (tx) => {
        if (!(await discardDeadLetter(tx, id, actor, reason))) return false;
        if (!findLink(consumed, row.link).ordered || !hasTurn(row)) return true;
        if (!(await passOver(tx, row.link, row.key, row.version))) throw notItsTurn(row);
        return true;
      });
      if (!isDiscarded) throw notDead(row);
      return {};
    },
    editDeadLetter: async ({ id, revision, body, actor }) => {
      const row = await require(id);
      if (row.state !== 'dead') throw notDead(row);
      const edited = await editDeadLetter(sql, { id, revision, body, actor });
      if (edited === undefined)
        throw new RpcError(
          'ABORTED',
          'EDITED_MEANWHILE',
          `dead letter ${id} is at revision ${row.revision}, not ${revision}: read it again`,
        );
      return { revision: edited };
    },
  };
}

/**
 * Whether its version counts among those of its key: it came from an outbox, under an id of its
 * own.
 */
function hasTurn(row: DeadLetterRow): boolean {
  return row.event_id !== null && row.reason !== 'ID_REUSED';
}

function notDead(row: DeadLetterRow): RpcError {
  return new RpcError(
    'FAILED_PRECONDITION',
    'DEAD_LETTER_STATE',
    `dead letter ${row.id} is ${row.state}: nothing was done`,
  );
}

function notItsTurn(row: DeadLetterRow): RpcError {
  return new RpcError(
    'FAILED_PRECONDITION',
    'DEAD_LETTER_STATE',
    `dead letter ${row.id} must wait: an earlier message of its key is not settled; settle that one first`,
  );
}

function toWire(row: DeadLetterRow, consumer: string) {
  return {
    id: row.id,
    eventId: row.event_id ?? '',
    link: row.link,
    consumer,
    eventName: row.event,
    eventVersion: row.event_version,
    key: row.key,
    entityVersion: row.version,
    epoch: row.epoch,
    lane: row.lane,
    reason: row.reason,
    detail: row.detail,
    attempts: row.attempts,
    diedAt: new Date(row.died_at).toISOString(),
    state: row.state,
    body: row.body,
    headers: row.headers,
    revision: row.revision,
  };
}

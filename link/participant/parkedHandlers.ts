/** The participant API for parked messages. */
import { type LinkParticipant, ParkedMessageSchema } from '../../gen/relink/v1/participant_pb.ts';
import { RpcError, unknownId } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import { countParked } from '../inbox/ordered.ts';
import { listParked, type ParkedRow, type Skipped, skipMissing } from '../inbox/parked.ts';
import { laneOf } from '../link.ts';
import type { ParticipantOptions } from './context.ts';

type Methods = 'listParked' | 'getParked' | 'skipParked';

const PAGE = 100;

export function parkedHandlers({
  sql,
  service,
}: Pick<ParticipantOptions, 'sql' | 'service'>): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const require = async (id: string) => {
    const [row] = await listParked(sql, { id, limit: 1 });
    if (!row) throw unknownId('id', 'parked message');
    return row;
  };
  return {
    listParked: async ({ link, key, limit, afterId }) => {
      const { entries, next } = await readPage({
        after: afterId,
        limit: limit || PAGE,
        read: (page) => listParked(sql, { link, key, limit: page.limit, afterId: page.after }),
        keyOf: ({ id }) => id,
        entry: ParkedMessageSchema,
        toWire: (row) => ({ ...toWire(row, service), body: '' }),
      });
      return { parked: entries, nextId: next ?? '', total: BigInt(await countParked(sql, link)) };
    },
    getParked: async ({ id }) => ({ parked: toWire(await require(id), service) }),
    skipParked: async ({ id, position, reason, actor, evenIfOpen }) => {
      const { link, key, dead_letters } = await require(id);
      if (dead_letters.length > 0 && !evenIfOpen)
        throw refused(`what it waits for is a dead letter: redrive or discard ${dead_letters[0]}`);
      const skip = { link, key, position, reason, actor };
      const skipped = (await sql.begin((tx) => skipMissing(tx, skip))) as Skipped;
      if (skipped.kind === 'moved')
        throw refused(`its key is at version ${skipped.position} by now, not ${position}`);
      if (skipped.kind === 'nothing missing') throw refused('nothing is missing before it');
      return { fromVersion: skipped.from, throughVersion: skipped.through };
    },
  };
}

function refused(why: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', 'PARKED_STATE', `nothing was skipped: ${why}`);
}

function toWire(row: ParkedRow, consumer: string) {
  const { event, eventVersion, epoch, source, text } = row.delivery;
  return {
    ...{ id: row.id, link: row.link, consumer, key: row.key, entityVersion: row.version },
    ...{ eventName: event, eventVersion, epoch: BigInt(epoch), lane: laneOf(row.key) },
    ...{
      source,
      body: text,
      position: row.position,
      parkedAt: new Date(row.parked_at).toISOString(),
    },
    missing: [...row.missing],
    deadLetters: [...row.dead_letters],
  };
}

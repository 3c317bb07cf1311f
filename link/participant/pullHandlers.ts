/** The participant API for links that may be `pull`: whose value a consumer uses. */

import {
  type LinkParticipant,
  Reading as WireReading,
} from '../../gen/relink/v1/participant_pb.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { LinkError } from '../errors.ts';
import { type ComparisonCounts, countComparisons, tally } from '../pull/comparisons.ts';
import type { Pull } from '../pull/pull.ts';
import { changeReading, lockReadings, type Reading, readReadings } from '../pull/readings.ts';
import type { ParticipantOptions } from './context.ts';
import { entityOf, listKeys, tableExists } from './entity.ts';

type Methods = 'setReading' | 'getReadings' | 'compareReadings' | 'setReplica';

const WIRE: Record<Reading, WireReading> = {
  replica: WireReading.REPLICA,
  compared: WireReading.COMPARED,
  owner: WireReading.OWNER,
};

/** Values compared at once: enough to notice a fault, few enough not to burden the owner. */
const COMPARED_AT_ONCE_MAX = 200;

export function pullHandlers(
  options: ParticipantOptions,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const { sql } = options;
  const pullOf = (link: string): Pull => {
    const pull = options.pulls?.[link];
    if (!pull) throw new LinkError('UNKNOWN_LINK', `${link} is not pulled by this service`);
    return pull;
  };
  const tableOf = (link: string) => options.replicas?.[link]?.table ?? '';
  return {
    setReading: async ({ link, lanes, reading, expectedRevision }) => {
      pullOf(link);
      const wanted = requireReading(reading);
      const revision = await sql.begin(async (tx) => {
        const answer = await changeReading(tx, {
          ...{ link, lanes, reading: wanted },
          expected: Number(expectedRevision),
        });
        // Checked under the lock of the change: nobody drops the table in between.
        if (wanted !== 'owner' && !(await tableExists(tx, tableOf(link))))
          throw new LinkError('NOT_MOVABLE', `${link} has no replica to read: create it first`);
        return answer;
      });
      return { revision: BigInt(revision as number) };
    },
    getReadings: async ({ link, sinceUnixMs }) => {
      const { value } = pullOf(link);
      const [p50, p99] = value.latencies.percentilesMs([0.5, 0.99]);
      const { lanes, revision } = await readReadings(sql, link);
      return {
        revision: BigInt(revision),
        lanes: [...lanes].map(([lane, reading]) => ({ lane, reading: WIRE[reading] })),
        compared: countsToWire(await countComparisons(sql, link, Number(sinceUnixMs))),
        asked: BigInt(value.asked),
        unanswered: BigInt(value.unanswered),
        latencyP50Ms: p50!,
        latencyP99Ms: p99!,
        hasReplica: await tableExists(sql, tableOf(link)),
      };
    },
    compareReadings: async ({ link, limit }) => {
      const { value } = pullOf(link);
      const wanted = Math.min(limit || COMPARED_AT_ONCE_MAX, COMPARED_AT_ONCE_MAX);
      const keys = await listKeys(sql, entityOf(options.replicas![link]!), wanted);
      const compared = await value.compare(sql, keys);
      return {
        compared: countsToWire(tally(compared)),
        latencyMs: Math.max(0, ...compared.map(({ latencyMs }) => latencyMs)),
      };
    },
    setReplica: async ({ link, exists }) => {
      const { makeTable, dropTable } = pullOf(link);
      const isChanged = await sql.begin(async (tx) => {
        const { lanes } = await lockReadings(tx, link);
        if ((await tableExists(tx, tableOf(link))) === exists) return false;
        if (!exists && [...lanes.values()].some((reading) => reading !== 'owner'))
          throw new LinkError(
            'REPLICA_IN_USE',
            `the replica of ${link} is still read; let every lane ask the owner first`,
          );
        await (exists ? makeTable(tx) : dropTable(tx));
        return true;
      });
      return { changed: isChanged };
    },
  };
}

function requireReading(wire: WireReading): Reading {
  const found = (Object.keys(WIRE) as Reading[]).find((reading) => WIRE[reading] === wire);
  if (!found) throw invalidField('reading', 'must be REPLICA, COMPARED or OWNER');
  return found;
}

function countsToWire({ equal, behind, different, unanswered, examples }: ComparisonCounts) {
  return {
    equal: BigInt(equal),
    behind: BigInt(behind),
    different: BigInt(different),
    unanswered: BigInt(unanswered),
    examples: [...examples],
  };
}

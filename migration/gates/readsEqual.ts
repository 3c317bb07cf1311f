import type { ReadingComparison } from '../../gen/relink/v1/participant_pb.ts';
import { REPEATABLE } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/** Values of the replica that each reading compares, besides those that the traffic reads. */
const SAMPLE = 20;

/**
 * Replica and owner agree, in what the traffic reads and in a sample, because there may be little
 * traffic, for as long as the gate was watched. A value that is older than the owner has it is still on
 * its way; when most of a sample is, the replica is not fed.
 */
export const readsEqual: Measure = {
  name: 'reads equal',
  unanswered: 'inconclusive',
  thresholds: ['error_rate_limit', 'reads_behind_limit'],
  read: async (context) =>
    Promise.all(context.run.consumers.map((consumer) => readComparison(context, consumer))),
};

async function readComparison(context: StepContext, consumer: string): Promise<Reading> {
  const { run, participants } = context;
  const sinceMs = Date.now() - context.elapsedMs();
  const { error_rate_limit: limit, reads_behind_limit: behindLimit } = run.settings;
  const client = participants.of(consumer);
  const since = { link: run.link, sinceUnixMs: BigInt(sinceMs) };
  const live = (await client.getReadings(since, REPEATABLE)).compared;
  const sample = await client.compareReadings({ link: run.link, limit: SAMPLE }, REPEATABLE);
  const now = sample.compared;
  const sum = (of: (one: ReadingComparison) => bigint) =>
    Number((live ? of(live) : 0n) + (now ? of(now) : 0n));
  const [equal, behind] = [sum((one) => one.equal), sum((one) => one.behind)];
  const [different, unanswered] = [sum((one) => one.different), sum((one) => one.unanswered)];
  const keys = [...(live?.examples ?? []), ...(now?.examples ?? [])];
  const total = equal + behind + different;
  const sampleBehind = Number(now?.behind ?? 0n);
  const sampled = Number((now?.equal ?? 0n) + (now?.behind ?? 0n) + (now?.different ?? 0n));
  const isUnproven =
    unanswered > (total + unanswered) * limit || sampleBehind > sampled * behindLimit;
  return {
    what: `values at ${consumer} that are the owner's`,
    verdict: different > 0 ? 'fail' : isUnproven ? 'wait' : 'pass',
    value:
      `${equal} of ${total}` +
      (behind > 0 ? `, ${behind} on their way` : '') +
      (unanswered > 0 ? `, ${unanswered} unanswered` : '') +
      (keys.length > 0 ? `: ${keys.join(', ')}` : ''),
    threshold: `no other value of the same version, ${limit * 100} % unanswered`,
  };
}

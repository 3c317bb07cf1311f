import { ALL_LANES } from '../../link/link.ts';
import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { ownerAnswers } from '../gates/ownerAnswers.ts';
import { parity } from '../gates/parity.ts';
import { readsEqual } from '../gates/readsEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { backfill } from '../steps/backfill.ts';
import { preflight } from '../steps/preflight.ts';
import { prepareStream } from '../steps/prepareStream.ts';
import { probe } from '../steps/probe.ts';
import { readReplica, stopAsking } from '../steps/readFrom.ts';
import { makeReplica } from '../steps/replica.ts';
import {
  askToComplete,
  closeOld,
  gate,
  moveLanes,
  numbered,
  soakOf,
  trafficOf,
} from './transport.ts';

/**
 * Formal, pull → async: the description of async → pull in reverse. Consumers use the owner's values
 * until the refilled replica agrees with them.
 */
export function formalPullToAsync(settings: Settings): Plan {
  // A replica that is no longer fed must not be read for long, so its lag is watched as well.
  const measures = [...trafficOf(ALL_LANES), readsEqual, ownerAnswers];
  const watch = (name: string, title: string) =>
    gate('2', title, { name, measures, windowSeconds: settings.canary_seconds });
  return {
    name: 'formal-pull-to-async',
    steps: [
      numbered('8', 'Preflight all participants and measure the baseline', preflight),
      gate('8', 'Verify that the event contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      numbered('6', "Create the replica's table", makeReplica),
      numbered('7', 'Create the stream and durable consumers; start listening', prepareStream),
      gate('5', 'Wait until every consumer replica is listening', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('5', 'Probe the new route and the way back', probe),
      ...moveLanes('3', 'async', settings),
      numbered('3', 'Backfill rows missing from the replicas', backfill),
      gate('3', 'Verify that the replicas hold every row of the owner', {
        name: 'parity',
        measures: [parity],
      }),
      numbered(
        '2',
        'Read from the replica in the canary lane; keep comparing',
        readReplica('canary'),
      ),
      watch('watch-reads-canary', 'Watch reads in the canary lane'),
      numbered('2', 'Read from the replica in a quarter of the lanes', readReplica('quarter')),
      watch('watch-reads-quarter', 'Watch reads in a quarter of the lanes'),
      numbered('2', 'Read from the replica in all lanes', readReplica('all')),
      soakOf('2', measures, settings),
      numbered('1', 'Stop querying the owner', stopAsking),
      ...closeOld('1', 'the pull route'),
      askToComplete('1'),
    ],
  };
}

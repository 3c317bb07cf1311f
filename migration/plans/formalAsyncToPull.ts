import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { ownerAnswers } from '../gates/ownerAnswers.ts';
import { readsEqual } from '../gates/readsEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { findOwner } from '../steps/findOwner.ts';
import { preflight } from '../steps/preflight.ts';
import { compareBoth, readOwner } from '../steps/readings.ts';
import { refill } from '../steps/refill.ts';
import { removeConsumers, removeStream } from '../steps/removeStream.ts';
import { dropReplica, lookClean } from '../steps/replica.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/**
 * Formal, async → pull: the steps 1–8 of its description. Consumers ask the owner before the producer
 * stops publishing, so that nobody ever reads a replica that is no longer fed.
 */
export function formalAsyncToPull(settings: Settings): Plan {
  const { canary_seconds: canary, shadow_seconds: comparing } = settings;
  const watch = (name: string, title: string) =>
    gate('2', title, { name, measures: [ownerAnswers], windowSeconds: canary });
  return {
    name: 'formal-async-to-pull',
    steps: [
      numbered('1', 'Look at everybody who takes part; measure what is normal', preflight),
      gate('1', 'The contract fits both sides', { name: 'contract', measures: [contract] }),
      gate('1', 'Every replica of the consumers can ask the owner', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('1', "Find the owner's query endpoint", findOwner),
      numbered('2', 'Read and compare both; the replica answers', compareBoth),
      gate('2', 'Replica and owner say the same', {
        name: 'reads-equal',
        measures: [readsEqual, ownerAnswers],
        windowSeconds: comparing,
      }),
      numbered('2', 'The owner answers in one lane', readOwner('canary')),
      watch('watch-reads-canary', 'Watch the one lane'),
      numbered('2', 'The owner answers in a quarter of the lanes', readOwner('quarter')),
      watch('watch-reads-quarter', 'Watch the quarter'),
      numbered('2', 'The owner answers in all lanes', readOwner('all')),
      watch('watch-reads-all', 'Watch all lanes'),
      numbered('3', 'From here on the replica misses changes', refill),
      ...moveTraffic('3', 'pull', settings, [ownerAnswers]),
      ...closeOld('4', 'the stream'),
      askToComplete('5'),
      numbered('5', 'Remove the consumers', removeConsumers),
      numbered('6', "Drop the replica's table", dropReplica),
      numbered('7', 'Remove the stream when nobody uses it', removeStream),
      numbered('8', 'Look that nothing is left', lookClean),
    ],
  };
}

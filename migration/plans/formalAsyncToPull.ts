import { adopted } from '../gates/adopted.ts';
import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { ownerAnswers } from '../gates/ownerAnswers.ts';
import { readsEqual } from '../gates/readsEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { findOwner } from '../steps/findOwner.ts';
import { preflight } from '../steps/preflight.ts';
import { compareBoth, readOwner } from '../steps/readFrom.ts';
import { refill } from '../steps/refill.ts';
import { removeConsumers, removeStream } from '../steps/removeStream.ts';
import { dropReplica, verifyClean } from '../steps/replica.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/**
 * Formal, async → pull: the steps 1–8 of its description. Consumers query the owner before the producer
 * stops publishing, so that no one ever reads a replica that is no longer fed.
 */
export function formalAsyncToPull(settings: Settings): Plan {
  const { canary_seconds: canary, shadow_seconds: comparing } = settings;
  const watch = (name: string, title: string) =>
    gate('2', title, { name, measures: [adopted, ownerAnswers], windowSeconds: canary });
  return {
    name: 'formal-async-to-pull',
    steps: [
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      gate('1', 'Verify that the contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      gate('1', 'Wait until every consumer replica can query the owner', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('1', "Verify the owner's query endpoint", findOwner),
      numbered('2', 'Compare reads from replica and owner; use the replica', compareBoth),
      gate('2', 'Verify that replica and owner agree', {
        name: 'reads-equal',
        measures: [readsEqual, ownerAnswers],
        windowSeconds: comparing,
      }),
      numbered('2', 'Read from the owner in the canary lane', readOwner('canary')),
      watch('watch-reads-canary', 'Watch reads in the canary lane'),
      numbered('2', 'Read from the owner in a quarter of the lanes', readOwner('quarter')),
      watch('watch-reads-quarter', 'Watch reads in a quarter of the lanes'),
      numbered('2', 'Read from the owner in all lanes', readOwner('all')),
      watch('watch-reads-all', 'Watch reads in all lanes'),
      numbered('3', 'Set the refill barrier: the replica misses changes from here on', refill),
      ...moveTraffic('3', 'pull', settings, [ownerAnswers]),
      ...closeOld('4', 'the stream'),
      askToComplete('5'),
      numbered('5', 'Remove the durable consumers', removeConsumers),
      numbered('6', "Drop the replica's table", dropReplica),
      numbered('7', 'Remove the stream unless another leg uses it', removeStream),
      numbered('8', 'Verify nothing remains', verifyClean),
    ],
  };
}

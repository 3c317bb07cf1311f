import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { shadowEqual } from '../gates/shadowEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { logCopies, runCopies, stopRunningCopies } from '../steps/copies.ts';
import { findEndpoint } from '../steps/endpoint.ts';
import { preflight } from '../steps/preflight.ts';
import { probe } from '../steps/probe.ts';
import { removeConsumers, removeStream } from '../steps/removeStream.ts';
import { startShadow } from '../steps/shadow.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/** Functional, async → sync: the steps 1–4 of its description. */
export function functionalAsyncToSync(settings: Settings): Plan {
  return {
    name: 'functional-async-to-sync',
    steps: [
      numbered('1', 'Look at everybody who takes part; measure what is normal', preflight),
      gate('1', 'The contract fits both sides', { name: 'contract', measures: [contract] }),
      numbered('1', "Find the consumers' endpoints", findEndpoint),
      gate('1', 'Every replica of the consumers can take calls', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('1', 'Consumers only note the copies that arrive', logCopies),
      numbered('1', 'Probe the new route and the way back', probe),
      numbered('1', 'The producer calls with copies of every message', startShadow),
      numbered('1', 'Consumers run their logic on the copies and roll back', runCopies),
      gate('1', 'Copies arrive and do what the messages do', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds: settings.shadow_seconds,
      }),
      numbered('1', 'Copies stop', stopRunningCopies),
      ...moveTraffic('2', 'sync', settings),
      ...closeOld('3', 'the stream'),
      askToComplete('4'),
      numbered('4', 'Remove the consumers', removeConsumers),
      numbered('4', 'Remove the stream when nobody uses it', removeStream),
    ],
  };
}

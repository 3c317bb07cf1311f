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
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      gate('1', 'Verify that the contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      numbered('1', "Locate the consumers' endpoints", findEndpoint),
      gate('1', 'Wait until every consumer replica accepts calls', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('1', 'Set the consumers to only log shadow copies', logCopies),
      numbered('1', 'Probe the new route and the way back', probe),
      numbered('1', 'Start shadow traffic: call with a copy of every message', startShadow),
      numbered('1', 'Run consumer logic on shadow copies and roll it back', runCopies),
      gate('1', 'Compare the effects of shadow copies and live messages', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds: settings.shadow_seconds,
      }),
      numbered('1', 'Stop shadow traffic', stopRunningCopies),
      ...moveTraffic('2', 'sync', settings),
      ...closeOld('3', 'the stream'),
      askToComplete('4'),
      numbered('4', 'Remove the durable consumers', removeConsumers),
      numbered('4', 'Remove the stream unless another leg uses it', removeStream),
    ],
  };
}

import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { parity } from '../gates/parity.ts';
import { shadowEqual } from '../gates/shadowEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { backfill } from '../steps/backfill.ts';
import { findEndpoint } from '../steps/endpoint.ts';
import { preflight } from '../steps/preflight.ts';
import { probe } from '../steps/probe.ts';
import { removeConsumers, removeStream } from '../steps/removeStream.ts';
import { startShadow, stopShadow } from '../steps/shadow.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/** Formal, async → sync push: the steps 1–5 of its description. */
export function formalAsyncToSync(settings: Settings): Plan {
  return {
    name: 'formal-async-to-sync',
    steps: [
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      gate('1', 'Verify that the contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      numbered('2', "Locate the consumers' endpoints", findEndpoint),
      gate('2', 'Wait until every consumer replica accepts calls', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('2', 'Probe the new route and the way back', probe),
      numbered('2', 'Start shadow traffic: call with a copy of every message', startShadow),
      gate('2', 'Compare shadow copies with live messages', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds: settings.shadow_seconds,
      }),
      numbered('2', 'Stop shadow traffic', stopShadow),
      numbered('2', 'Backfill rows missing from the replicas', backfill),
      gate('2', 'Verify that the replicas hold every row of the owner', {
        name: 'parity',
        measures: [parity],
      }),
      ...moveTraffic('3', 'sync', settings),
      ...closeOld('4', 'the stream'),
      askToComplete('4'),
      numbered('4', 'Remove the durable consumers', removeConsumers),
      numbered('5', 'Remove the stream unless another leg uses it', removeStream),
    ],
  };
}

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
      numbered('1', 'Look at everybody who takes part; measure what is normal', preflight),
      gate('1', 'The contract fits both sides', { name: 'contract', measures: [contract] }),
      numbered('2', "Find the consumers' endpoints", findEndpoint),
      gate('2', 'Every replica of the consumers can take calls', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('2', 'Probe the new route and the way back', probe),
      numbered('2', 'The producer calls with copies of every message', startShadow),
      gate('2', 'Copies arrive and do the same', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds: settings.shadow_seconds,
      }),
      numbered('2', 'Copies stop', stopShadow),
      numbered('2', 'Send what the replicas lack', backfill),
      gate('2', 'The replicas hold every row of the owner', { name: 'parity', measures: [parity] }),
      ...moveTraffic('3', 'sync', settings),
      ...closeOld('4', 'the stream'),
      askToComplete('4'),
      numbered('4', 'Remove the consumers', removeConsumers),
      numbered('5', 'Remove the stream when nobody uses it', removeStream),
    ],
  };
}

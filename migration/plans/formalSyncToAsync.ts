import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { parity } from '../gates/parity.ts';
import { shadowEqual } from '../gates/shadowEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { backfill } from '../steps/backfill.ts';
import { retireEndpoint } from '../steps/endpoint.ts';
import { preflight } from '../steps/preflight.ts';
import { prepareStream } from '../steps/prepareStream.ts';
import { probe } from '../steps/probe.ts';
import { startShadow, stopShadow } from '../steps/shadow.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/**
 * Formal, sync → async: the steps 1–6 of its description; the backfill (5) comes before traffic
 * moves.
 */
export function formalSyncToAsync(settings: Settings): Plan {
  return {
    name: 'formal-sync-to-async',
    steps: [
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      gate('1', 'Verify that the event contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      numbered('2', 'Create the stream and durable consumers; start listening', prepareStream),
      gate('2', 'Wait until every consumer replica is listening', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('2', 'Probe the new route and the way back', probe),
      numbered('3', 'Start shadow traffic: publish a copy of every message', startShadow),
      gate('3', 'Compare shadow copies with live messages', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds: settings.shadow_seconds,
      }),
      numbered('3', 'Stop shadow traffic', stopShadow),
      numbered('5', 'Backfill rows missing from the replicas', backfill),
      gate('5', 'Verify that the replicas hold every row of the owner', {
        name: 'parity',
        measures: [parity],
      }),
      ...moveTraffic('4', 'async', settings),
      ...closeOld('4', 'the sync route'),
      askToComplete('6'),
      numbered('6', 'Record that the endpoint is no longer called', retireEndpoint),
    ],
  };
}

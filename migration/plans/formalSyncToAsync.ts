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
      numbered('1', 'Look at everybody who takes part; measure what is normal', preflight),
      gate('1', 'The event contract fits both sides', { name: 'contract', measures: [contract] }),
      numbered('2', 'Make stream and consumers; consumers listen', prepareStream),
      gate('2', 'Every replica of the consumers listens', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('2', 'Probe the new route and the way back', probe),
      numbered('3', 'The producer emits copies of every message', startShadow),
      gate('3', 'Copies arrive and do the same', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds: settings.shadow_seconds,
      }),
      numbered('3', 'Copies stop', stopShadow),
      numbered('5', 'Send what the replicas lack', backfill),
      gate('5', 'The replicas hold every row of the owner', { name: 'parity', measures: [parity] }),
      ...moveTraffic('4', 'async', settings),
      ...closeOld('4', 'the sync route'),
      askToComplete('6'),
      numbered('6', 'The endpoint is no longer called', retireEndpoint),
    ],
  };
}

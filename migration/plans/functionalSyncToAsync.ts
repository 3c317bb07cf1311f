import { consumerReady } from '../gates/consumerReady.ts';
import { contract } from '../gates/contract.ts';
import { shadowEqual } from '../gates/shadowEqual.ts';
import type { Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import { logCopies, runCopies, stopRunningCopies } from '../steps/copies.ts';
import { retireEndpoint } from '../steps/endpoint.ts';
import { preflight } from '../steps/preflight.ts';
import { prepareStream } from '../steps/prepareStream.ts';
import { probe } from '../steps/probe.ts';
import { startShadow } from '../steps/shadow.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/** Functional, sync → async: the steps 1–7 of its description. */
export function functionalSyncToAsync(settings: Settings): Plan {
  const windowSeconds = settings.shadow_seconds;
  return {
    name: 'functional-sync-to-async',
    steps: [
      numbered('1', 'Look at everybody who takes part; measure what is normal', preflight),
      gate('1', 'The event contract fits both sides', { name: 'contract', measures: [contract] }),
      numbered('2', 'Consumers only note what arrives', logCopies),
      numbered('2', 'Make stream and consumers; consumers listen', prepareStream),
      gate('2', 'Every replica of the consumers listens', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('2', 'Probe the new route and the way back', probe),
      numbered('3', 'The producer emits copies of every message as well', startShadow),
      gate('4', 'Every copy arrives', {
        name: 'copies-arrive',
        measures: [shadowEqual],
        windowSeconds,
      }),
      numbered('5', 'Consumers run their logic on the copies and roll back', runCopies),
      gate('5', 'Copies do what the messages do', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds,
      }),
      numbered('5', 'Copies stop', stopRunningCopies),
      ...moveTraffic('6', 'async', settings),
      ...closeOld('6', 'the sync route'),
      askToComplete('7'),
      numbered('7', 'The endpoint is no longer called', retireEndpoint),
    ],
  };
}

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
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      gate('1', 'Verify that the event contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      numbered('2', 'Set the consumers to only log shadow copies', logCopies),
      numbered('2', 'Create the stream and durable consumers; start listening', prepareStream),
      gate('2', 'Wait until every consumer replica is listening', {
        name: 'consumer-ready',
        measures: [consumerReady],
      }),
      numbered('2', 'Probe the new route and the way back', probe),
      numbered('3', 'Start shadow traffic: publish a copy of every message', startShadow),
      gate('4', 'Verify that every shadow copy arrives', {
        name: 'copies-arrive',
        measures: [shadowEqual],
        windowSeconds,
      }),
      numbered('5', 'Run consumer logic on shadow copies and roll it back', runCopies),
      gate('5', 'Compare the effects of shadow copies and live messages', {
        name: 'shadow-equal',
        measures: [shadowEqual],
        windowSeconds,
      }),
      numbered('5', 'Stop shadow traffic', stopRunningCopies),
      ...moveTraffic('6', 'async', settings),
      ...closeOld('6', 'the sync route'),
      askToComplete('7'),
      numbered('7', 'Record that the endpoint is no longer called', retireEndpoint),
    ],
  };
}

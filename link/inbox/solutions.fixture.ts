/** Messages of an ordered link and a handler for them, for the tests of the inbox. */
import { randomUUIDv7 } from 'node:crypto';
import type { LinkEvent } from '../../services/links.ts';
import type { Arrival } from './delivery.ts';
import { type ApplyEvent, type FunctionalHandler, functional } from './handler.ts';

const AT = '2026-01-01T00:00:00Z';

/** A handler of the link that does the same with each of its events. */
export function solutionHandler(apply: ApplyEvent): FunctionalHandler<LinkEvent<'COMM-040'>> {
  return functional({ SolutionCompleted: apply, SolutionRevoked: apply });
}

export function solutionCompleted(key: string = randomUUIDv7(), version = 1n): Arrival {
  const eventId = randomUUIDv7();
  const payload = {
    solution_id: key,
    assessment_id: randomUUIDv7(),
    exercise_id: randomUUIDv7(),
    candidate_id: randomUUIDv7(),
    author_id: randomUUIDv7(),
    completed_at: AT,
  };
  const names = { event_id: eventId, event_version: 0, event_name: 'SolutionCompleted' };
  return {
    ...{ link: 'COMM-040', eventId, event: 'SolutionCompleted', eventVersion: 0, key, version },
    ...{ epoch: 1n, source: 'hiring', isShadow: false, isCopied: false, traceparent: undefined },
    text: JSON.stringify({ ...names, produced_at: AT, payload }),
  };
}

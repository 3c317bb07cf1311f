import { ALL_LANES } from '../../link/link.ts';
import { STAGES, type Stage } from '../leg/lanes.ts';
import { Reading, setReadings } from '../leg/valueSource.ts';
import type { Step, Untitled } from '../plan.ts';

const FORWARD = 'forward';
const BACK = 'back';

/** Consumers read both replica and owner, compare, and use the replica's value. */
export const compareBoth: Untitled<Step> = {
  name: 'read-both',
  kind: 'step',
  undoTitle: 'read from the replica alone',
  apply: (context) => setReadings(context, FORWARD, ALL_LANES, Reading.COMPARED),
  undo: (context) => setReadings(context, BACK, ALL_LANES, Reading.REPLICA),
};

/** Consumers use the owner's value. */
export function readOwner(stage: Stage): Untitled<Step> {
  return {
    name: `read-owner-${stage}`,
    kind: 'step',
    undoTitle: 'read from the replica in these lanes again',
    movesTraffic: true,
    apply: (context) => setReadings(context, FORWARD, STAGES[stage], Reading.OWNER),
    undo: (context) => setReadings(context, BACK, STAGES[stage], Reading.COMPARED),
  };
}

/** Consumers use the replica's value; they query the owner as well, to compare. */
export function readReplica(stage: Stage): Untitled<Step> {
  return {
    name: `read-replica-${stage}`,
    kind: 'step',
    undoTitle: 'read from the owner in these lanes again',
    movesTraffic: true,
    apply: (context) => setReadings(context, FORWARD, STAGES[stage], Reading.COMPARED),
    undo: (context) => setReadings(context, BACK, STAGES[stage], Reading.OWNER),
  };
}

/** Consumers no longer query the owner. */
export const stopAsking: Untitled<Step> = {
  name: 'read-replica-only',
  kind: 'step',
  undoTitle: 'query the owner alongside the replica again',
  apply: (context) => setReadings(context, FORWARD, ALL_LANES, Reading.REPLICA),
  undo: (context) => setReadings(context, BACK, ALL_LANES, Reading.COMPARED),
};

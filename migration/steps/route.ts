import { moveLanes, STAGES } from '../leg/lanes.ts';
import { ROUTE_ALL, type Step, type Untitled } from '../plan.ts';

const FORWARD = 'forward';
const BACK = 'back';

/** Lanes get the new route; going back gives them the old one under a new epoch. */
function moveTo(name: string, lanes: readonly number[]): Untitled<Step> {
  return {
    name,
    kind: 'step',
    undoTitle: 'move these lanes back to the old route under a new epoch',
    movesTraffic: true,
    apply: (context) => moveLanes(context, FORWARD, lanes, context.run.to),
    undo: (context) => moveLanes(context, BACK, lanes, context.run.from),
  };
}

export const routeCanary = moveTo('route-canary', STAGES.canary);
export const routeQuarter = moveTo('route-quarter', STAGES.quarter);
export const routeAll = moveTo(ROUTE_ALL, STAGES.all);

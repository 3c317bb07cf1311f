/**
 * A plan for a run of several links: each step acts on one link after the other, and each measure is
 * read of every link. Steps and measures know nothing of it: each gets the run, its memory and a
 * checkpoint as they are for one link.
 */
import { declareFailpoints, failpoint } from '../../runtime/failpoints.ts';
import { StepProblem } from '../errors.ts';
import type { Measure, Plan, PlanStep, StepContext } from '../plan.ts';
import { linksOf, memoryFor, runOfLink } from '../run/links.ts';
import type { JsonObject, Progress } from '../run/record.ts';

declareFailpoints('engine.between-links');

type Act = (context: StepContext) => Promise<void>;

export function forEachLink(plan: Plan): Plan {
  return { ...plan, steps: plan.steps.map(stepForEach) };
}

function stepForEach(step: PlanStep): PlanStep {
  switch (step.kind) {
    case 'completion':
      return step;
    case 'gate':
      return { ...step, measures: step.measures.map(measureForEach) };
    case 'wayBackBarrier':
      return { ...step, undo: inReverse(step.undo) };
    case 'step':
      return {
        ...step,
        apply: inTurn(step.apply),
        ...(step.check && { check: inTurn(step.check) }),
        ...(step.verify && { verify: inTurn(step.verify) }),
        ...(step.undo && { undo: inReverse(step.undo) }),
      };
  }
}

function measureForEach(measure: Measure): Measure {
  if (measure.isOfRun) return measure;
  return {
    ...measure,
    read: async (context) => {
      const all = [];
      for (const link of linksIn(context)) {
        const readings = await named(link, () => measure.read(contextOf(context, link)));
        all.push(...readings.map((one) => ({ ...one, what: `${link}: ${one.what}` })));
      }
      return all;
    },
  };
}

function linksIn({ run }: StepContext): string[] {
  return linksOf(run).map(({ link }) => link);
}

function inTurn(act: Act): Act {
  return (context) => actOn(context, act, linksIn(context));
}

/** Going back undoes the link last that was done first. */
function inReverse(act: Act): Act {
  return (context) => actOn(context, act, linksIn(context).reverse());
}

async function actOn(context: StepContext, act: Act, links: readonly string[]): Promise<void> {
  for (const [at, link] of links.entries()) {
    if (at > 0) await failpoint('engine.between-links');
    await named(link, () => act(contextOf(context, link)));
  }
}

/** A problem of one link says which. */
async function named<T>(link: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StepProblem)) throw error;
    const { kind, isRepeatable, message } = error;
    throw new StepProblem(kind, `${link}: ${message}`, { isRepeatable, cause: error });
  }
}

/** The same one each time: measures remember by it what they have seen. */
const contexts = new WeakMap<StepContext, Map<string, StepContext>>();

function contextOf(whole: StepContext, link: string): StepContext {
  const known = contexts.get(whole) ?? new Map<string, StepContext>();
  contexts.set(whole, known);
  const context = known.get(link) ?? createLinkContext(whole, link);
  known.set(link, context);
  return context;
}

function createLinkContext(whole: StepContext, link: string): StepContext {
  const { participants, streams, certificates, runCommand, log, signal } = whole;
  return {
    ...{ participants, streams, certificates, runCommand, signal },
    log: log.child({ link }),
    get run() {
      return runOfLink(whole.run, linksOf(whole.run).find((one) => one.link === link)!);
    },
    get checkpoint() {
      return partsOf(whole.checkpoint)[link]?.checkpoint ?? {};
    },
    actingMs: () => whole.actingMs(),
    elapsedMs: () => whole.elapsedMs(),
    save: (checkpoint, progress) => {
      const before = partsOf(whole.checkpoint);
      const reached = progress ?? before[link]?.progress;
      const parts = { ...before, [link]: { checkpoint, ...(reached && { progress: reached }) } };
      return whole.save(
        { ...whole.checkpoint, [LINKS]: parts as unknown as JsonObject },
        sumOf(parts),
      );
    },
    remember: (learnt) => whole.remember(memoryFor(whole.run, link, learnt)),
    observe: (what, value) => whole.observe(`${link}: ${what}`, value),
  };
}

/** In the checkpoint of a step: what each link has in its own. */
const LINKS = 'links';

type Parts = Readonly<Record<string, { checkpoint: JsonObject; progress?: Progress }>>;

function partsOf(checkpoint: JsonObject): Parts {
  return (checkpoint[LINKS] ?? {}) as unknown as Parts;
}

/** How far the step is with all links together; undefined when it does not count. */
function sumOf(parts: Parts): Progress | undefined {
  const all = Object.values(parts).flatMap(({ progress }) => progress ?? []);
  if (all.length === 0) return undefined;
  const sum = (of: keyof Progress) => all.reduce((total, one) => total + one[of], 0);
  return { done: sum('done'), total: sum('total') };
}

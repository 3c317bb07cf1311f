/** Long work in units: how far it is can be seen, and a step that is resumed goes on with what is left. */
import type { StepContext } from '../plan.ts';

export interface Unit {
  /** Of all units of one work no two have the same. */
  readonly name: string;
  /** May be done again. */
  work(): Promise<void>;
}

/** Does units one after another, and tells which one is under way. */
export type Units = (units: readonly Unit[]) => Promise<void>;

export function unitsInTurn({ observe }: Pick<StepContext, 'observe'>): Units {
  return async (units) => {
    for (const { name, work } of units) {
      await observe('under way', name);
      await work();
    }
  };
}

/**
 * The same as the progress of a step. With `isKept` those that were finished before a pause, or before
 * the engine died, are not done again.
 */
export function unitsOfStep(
  context: Pick<StepContext, 'observe' | 'save' | 'checkpoint'>,
  { isKept }: { readonly isKept: boolean },
): Units {
  return async (units) => {
    const { checkpoint } = context;
    const finished = new Set(isKept ? ((checkpoint.finished ?? []) as string[]) : []);
    const save = () =>
      context.save(isKept ? { ...checkpoint, finished: [...finished] } : checkpoint, {
        done: units.filter(({ name }) => finished.has(name)).length,
        total: units.length,
      });
    if (!isKept || checkpoint.finished === undefined) await save();
    const left = units.filter(({ name }) => !finished.has(name));
    const noted = left.map(({ name, work }) => ({
      name,
      work: async () => {
        await work();
        finished.add(name);
        await save();
      },
    }));
    await unitsInTurn(context)(noted);
  };
}

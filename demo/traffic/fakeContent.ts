/** Titles, exercises and texts of the traffic's assessments, and names of candidates. */
import { inventNames, MOST_NUMBERS } from './fakeNames.ts';

const KNOWLEDGE_AREAS = [
  'Algebra',
  'Analysis',
  'Geometry',
  'Logic',
  'Topology',
  'Données',
] as const;
const SUBJECTS = ['Groups', 'Limits', 'Proofs', 'Fields', 'Curves', 'Sets', 'Graphs'] as const;
const TASKS = ['Prove it.', 'Disprove it.', 'Find a counterexample.', 'Find the order.'] as const;
const MAX_EXERCISES = 4;
/** Share of exercises with a difficulty of their own. */
const DIFFICULT_SHARE = 0.25;
const MAX_DIFFICULTY = 5;

export interface NewExercise {
  readonly title: string;
  readonly text: string;
  /** Absent: the default difficulty. */
  readonly difficulty?: number;
}

export interface NewTitle {
  readonly title: string;
  /** Absent: the title says it. */
  readonly knowledgeArea?: string;
}

/**
 * `[Knowledge Area] Title`, as older callers write it, or both apart; a few have no brackets, or are
 * odd otherwise.
 */
export function inventTitle(): NewTitle {
  const title = `${pick(SUBJECTS)} ${number()}`;
  const area = pick(KNOWLEDGE_AREAS);
  const kind = Math.random();
  if (kind < 0.05) return { title };
  if (kind < 0.1)
    return { title: pick([`[${area}]${title}`, `[] ${title}`, `[[${area}]] ${title}`]) };
  if (kind < 0.4) return { title, knowledgeArea: area };
  return { title: `[${area}] ${title}` };
}

/** One to four exercises. */
export function inventExercises(): NewExercise[] {
  const count = 1 + Math.floor(Math.random() * MAX_EXERCISES);
  return Array.from({ length: count }, (_, at) => {
    const isDifficult = Math.random() < DIFFICULT_SHARE;
    const difficulty = 1 + Math.floor(Math.random() * MAX_DIFFICULTY);
    return { title: `Exercise ${at + 1}`, text: inventText(), ...(isDifficult && { difficulty }) };
  });
}

export function inventText(): string {
  return `Take ${number()} of them.\n${pick(TASKS)}`;
}

export function inventCandidateName(): string {
  const { firstName, lastName } = inventNames(MOST_NUMBERS);
  return `${firstName} ${lastName}`;
}

function number(): number {
  return Math.floor(Math.random() * 1_000_000);
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}

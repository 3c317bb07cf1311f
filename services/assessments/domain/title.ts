/** The title of an assessment as its author writes it. */
import {
  isTitleShortEnough,
  joinTitle,
  normalizeTitle,
  type SplitTitle,
  splitTitle,
} from '../../mappings/titles.ts';

/** An author says the area beside the title, or (absent) in it: `[Knowledge Area] Title`. */
export interface WrittenTitle {
  readonly knowledgeArea?: string | undefined;
  readonly title: string;
}

export interface Title {
  /** Empty when there is none. */
  readonly knowledgeArea: string;
  readonly title: string;
}

/** The canonical form; see services/mappings/titles.ts. */
export function titleOf({ knowledgeArea, title }: WrittenTitle): Title {
  return knowledgeArea === undefined
    ? fromSplit(splitTitle(title))
    : fromSplit(normalizeTitle({ knowledge_area: knowledgeArea, title }));
}

/** Both in one: what the older versions of the events and of the API have. */
export function wholeTitleOf({ knowledgeArea, title }: Title): string {
  return joinTitle({ knowledge_area: knowledgeArea, title });
}

/** What is wrong with a title, by field; each field by itself is valid. */
export function findTitleProblems({ knowledgeArea = '', title }: WrittenTitle) {
  if (knowledgeArea === '') return [];
  const given = { knowledge_area: knowledgeArea, title };
  const problems: { field: 'title' | 'knowledge_area'; description: string }[] = [];
  if (!isTitleShortEnough(given)) {
    const description = 'both have more than 300 characters as "[knowledge_area] title"';
    problems.push({ field: 'knowledge_area', description }, { field: 'title', description });
  }
  if (title.startsWith(' '))
    problems.push({ field: 'title', description: 'begins with a space after its knowledge area' });
  if (splitTitle(title).knowledge_area === knowledgeArea)
    problems.push({
      field: 'title',
      description: 'names knowledge_area again: give one of both, or the title without it',
    });
  return problems;
}

function fromSplit({ knowledge_area: knowledgeArea, title }: SplitTitle): Title {
  return { knowledgeArea, title };
}

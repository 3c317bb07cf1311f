/**
 * US-160: the title of an assessment, `[Knowledge Area] Title`, becomes two fields.
 *
 * A title is split only where joining gives exactly the old one back, so nothing is lost: one pair
 * of brackets at its very start around an area without brackets and without a space at either end,
 * then one space, then a rest that does not begin with one. Every other title stays whole and has no
 * area: `[Algebra]`, `[] x`, ` [A] x`, `[A]x`, `[A [B]] x`. `[A] [B] x` is `[B] x` in the area `A`.
 * A space is U+0020; lengths are in code points.
 *
 * The newer side can say more than the older one. Its canonical form is what splitting gives: a title
 * without an area does not look like one with, and both joined have at most 300 characters.
 */
import { defineContract, defineMapping, rewritten } from 'relink';
import {
  assessmentCreatedV0,
  assessmentCreatedV1,
  assessmentUpdatedV0,
  assessmentUpdatedV1,
} from '../../gen/events.ts';

/** Under the names that the events give them. */
export type SplitTitle = {
  /** Empty when there is none. */
  readonly knowledge_area: string;
  readonly title: string;
};

/** The most code points of a title as the older version has it. */
const maxCharacters = 300;

/** Area and rest; read by JavaScript and by PostgreSQL, where `.` is any character as it is. */
const areaAndRest = String.raw`^\[([^\[\] ](?:[^\[\]]*[^\[\] ])?)\] ([^ ].*)$`;
const splittable = new RegExp(areaAndRest, 'su');

/** A title of the older version in the canonical form of the newer. */
export function splitTitle(title: string): SplitTitle {
  const [, area = '', rest = title] = splittable.exec(title) ?? [];
  return { knowledge_area: area, title: rest };
}

/** The one title that the older version has for both. */
export function joinTitle({ knowledge_area, title }: SplitTitle): string {
  return knowledge_area === '' ? title : `[${knowledge_area}] ${title}`;
}

/** The canonical form of what somebody wrote; its joined title is the same. */
export function normalizeTitle(written: SplitTitle): SplitTitle {
  return splitTitle(joinTitle(written));
}

/** Whether the joined title is short enough for the older version. */
export function isTitleShortEnough(written: SplitTitle): boolean {
  return [...joinTitle(written)].length <= maxCharacters;
}

/** `splitTitle` of an expression: one for each field. */
export function splitTitleSql(title: string): { knowledge_area: string; title: string } {
  const part = (n: number) => `(regexp_match(${title}, '${areaAndRest}'))[${n}]`;
  return {
    knowledge_area: `coalesce(${part(1)}, '')`,
    title: `coalesce(${part(2)}, ${title})`,
  };
}

/** `joinTitle` of expressions. A row without an area (null) has its title whole. */
export function joinTitleSql(columns: { knowledge_area: string; title: string }): string {
  const { knowledge_area, title } = columns;
  return `case when coalesce(${knowledge_area}, '') = '' then ${title}
    else '[' || ${knowledge_area} || '] ' || ${title} end`;
}

/** `normalizeTitle` of expressions. */
export function normalizeTitleSql(columns: { knowledge_area: string; title: string }) {
  return splitTitleSql(`(${joinTitleSql(columns)})`);
}

/** The columns of a row that has a title. Without an area (null) it is stored as version 0 has it. */
export interface StoredTitle {
  readonly knowledgeArea: string | null;
  readonly title: string;
}

/** The newest form of a row's title, whichever way the row is stored. */
export function titleOfRow({ knowledgeArea, title }: StoredTitle): SplitTitle {
  return knowledgeArea === null ? splitTitle(title) : { knowledge_area: knowledgeArea, title };
}

/** A title as a row has it in a contract version. */
export function storedTitle(split: SplitTitle, contractVersion: number): StoredTitle {
  return contractVersion === 0
    ? { knowledgeArea: null, title: joinTitle(split) }
    : { knowledgeArea: split.knowledge_area, title: split.title };
}

const columns = { knowledge_area: 'knowledge_area', title: 'title' };
const joined = joinTitleSql(columns);
const split = normalizeTitleSql(columns);

/** How rows show their title in a contract version; for both sides. */
export const titleForms = {
  0: {
    texts: [joined],
    isStored: 'knowledge_area is null',
    store: `title = ${joined}, knowledge_area = null`,
  },
  1: {
    texts: [split.knowledge_area, split.title],
    isStored: 'knowledge_area is not null',
    store: `title = ${split.title}, knowledge_area = ${split.knowledge_area}`,
  },
} as const;

const titleIsSplit = rewritten<{ title: string }, SplitTitle>({
  words:
    'title is split into knowledge_area and title where it is like “[Algebra] Groups”; any other stays whole',
  older: ['title'],
  newer: ['knowledge_area', 'title'],
  up: ({ title }) => splitTitle(title),
  down: (split) => ({ title: joinTitle(split) }),
  sqlUp: ({ title }) => splitTitleSql(title),
  sqlDown: (columns) => ({ title: joinTitleSql(columns) }),
});

export const assessmentCreated = defineMapping(
  defineContract(assessmentCreatedV0.message, assessmentCreatedV0.schema),
  defineContract(assessmentCreatedV1.message, assessmentCreatedV1.schema),
  [titleIsSplit],
);

export const assessmentUpdated = defineMapping(
  defineContract(assessmentUpdatedV0.message, assessmentUpdatedV0.schema),
  defineContract(assessmentUpdatedV1.message, assessmentUpdatedV1.schema),
  [titleIsSplit],
);

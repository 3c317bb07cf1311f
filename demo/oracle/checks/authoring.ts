/** What callers were told against the tables of the services that own it. */
import type { Database } from '../../../runtime/postgres.ts';
import type { Told, ToldAssessment } from '../../traffic/history.ts';
import type { ToldEntity } from '../../traffic/records.ts';
import { isHarder, type Truth } from '../expectedState.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  type Finding,
  found,
  NO_LINK,
  say,
} from '../findings.ts';

type Row = { readonly id: string };
type ManagerRow = Row & { version: bigint; firstName: string; lastName: string };
type Exercise = { exercise_id: string; title: string; text: string; difficulty: number };
type AssessmentRow = Row & {
  version: bigint;
  authorId: string;
  title: string;
  exercises: Exercise[];
};

/** Managers: the version and names that an answer named, or newer ones that calls explain. */
export async function checkManagers(told: Told, sql: Database): Promise<Check> {
  const rows = byId(
    await sql<ManagerRow[]>`
      select id, version, first_name as "firstName", last_name as "lastName" from managers`,
  );
  const cases = new EntityCases();
  for (const entity of told.managers.all()) {
    const row = rows.get(entity.id);
    cases.compare(entity, row?.version, BigInt(entity.acknowledged));
    const { fields, version, id } = entity;
    if (!fields || row?.version !== version) continue;
    if (row.firstName !== fields.firstName || row.lastName !== fields.lastName)
      cases.changed.push(caseOf(id, version));
  }
  const claim = `${say(told.managers.acknowledged)} answers about managers are true`;
  return checkOf(claim, cases.findings('managers'));
}

/** Assessments: as their authors were told, and as difficult as their solutions make them. */
export async function checkAssessments(told: Told, truth: Truth, sql: Database): Promise<Check> {
  const rows = byId(
    await sql<AssessmentRow[]>`
      select id, version, author_id as "authorId", title, exercises from assessments`,
  );
  const cases = new EntityCases();
  const difficult: Case[] = [];
  let harder = 0;
  for (const entity of told.assessments.all()) {
    const row = rows.get(entity.id);
    const known = entity.fields?.exercises ?? [];
    const raised = known.filter(({ id }) => isHarder(truth.completions.get(id)));
    harder += raised.length;
    cases.compare(entity, row?.version, BigInt(entity.acknowledged + raised.length));
    if (!row || !entity.fields) continue;
    const isNewest = entity.unknown === 0 || row.version === entity.version;
    if (isNewest && !isAsTold(row, entity.fields)) cases.changed.push(caseOf(entity.id));
    for (const { exercise_id: id, difficulty } of row.exercises) {
      const start = told.difficulties.told.get(id);
      const wanted = (start ?? 0) + (isHarder(truth.completions.get(id)) ? 1 : 0);
      if (start !== undefined && difficulty !== wanted) difficult.push(caseOf(id));
    }
  }
  const answers = say(told.assessments.acknowledged);
  return checkOf(
    `${answers} answers about assessments are true; ${say(harder)} exercises became harder, once`,
    [
      ...cases.findings('assessments'),
      found('changed', NO_LINK, 'exercises of another difficulty than solved for', difficult),
    ],
  );
}

function isAsTold(row: AssessmentRow, { authorId, title, exercises }: ToldAssessment): boolean {
  return (
    row.authorId === authorId &&
    row.title === title &&
    row.exercises.length === exercises.length &&
    exercises.every(({ id, title, text }, at) => {
      const stored = row.exercises[at];
      return stored?.exercise_id === id && stored.title === title && stored.text === text;
    })
  );
}

/** What is wrong with versions that answers named. */
class EntityCases {
  readonly lost: Case[] = [];
  readonly changed: Case[] = [];
  readonly doubled: Case[] = [];

  /** `least`: changes that are known to have happened. */
  compare({ id, version, unknown }: ToldEntity<unknown>, stored = 0n, least: bigint): void {
    const wanted = version > least ? version : least;
    if (stored < wanted) this.lost.push(caseOf(id, wanted));
    const most = least + BigInt(unknown);
    if (stored > most) this.doubled.push(caseOf(id, stored, { count: Number(stored - most) }));
  }

  findings(what: string): Finding[] {
    return [
      found('lost', NO_LINK, `callers were told more of ${what} than is stored`, this.lost),
      found('changed', NO_LINK, `callers were told other fields of ${what}`, this.changed),
      found('doubled', NO_LINK, `more changes of ${what} than calls`, this.doubled),
    ];
  }
}

export function byId<R extends Row>(rows: readonly R[]): Map<string, R> {
  return new Map(rows.map((row) => [row.id, row]));
}

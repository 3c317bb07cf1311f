/** Managers and assessments: what callers were told against the tables of their owner. */
import type { Database } from '../../../runtime/postgres.ts';
import { joinTitle, titleOfRow } from '../../../services/mappings/titles.ts';
import type { History, RecordedAssessment } from '../../traffic/history.ts';
import type { EntityRecord } from '../../traffic/records.ts';
import { becameHarder, type ExpectedState } from '../expectedState.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  type Finding,
  findingOf,
  formatCount,
  NO_LINK,
} from '../findings.ts';
import { byId, type Row } from './rows.ts';

interface ManagerRow extends Row {
  version: bigint;
  firstName: string;
  lastName: string;
}
interface Exercise {
  exercise_id: string;
  title: string;
  text: string;
  difficulty: number;
}
interface AssessmentRow extends Row {
  version: bigint;
  authorId: string;
  title: string;
  knowledgeArea: string | null;
  exercises: Exercise[];
}

/** A manager has the version and names of the newest answer, or newer ones that calls explain. */
export async function checkManagers(history: History, sql: Database): Promise<Check> {
  const rows = byId(
    await sql<ManagerRow[]>`
      select id, version, first_name as "firstName", last_name as "lastName" from managers`,
  );
  const cases = new EntityCases();
  for (const entity of history.managers.all()) {
    const row = rows.get(entity.id);
    cases.compare(entity, row?.version, BigInt(entity.acknowledged));
    const { fields, version, id } = entity;
    if (!fields || row?.version !== version) continue;
    if (row.firstName !== fields.firstName || row.lastName !== fields.lastName)
      cases.changed.push(caseOf(id, version));
  }
  const claim = `${formatCount(history.managers.acknowledgedCount)} acknowledged manager changes stored`;
  return checkOf(claim, cases.findings('managers'));
}

/** Assessments are as their authors were told, and as difficult as their solutions make them. */
export async function checkAssessments(
  history: History,
  expected: ExpectedState,
  sql: Database,
): Promise<Check> {
  const rows = byId(
    await sql<AssessmentRow[]>`
      select id, version, author_id as "authorId", title, knowledge_area as "knowledgeArea",
        exercises from assessments`,
  );
  const cases = new EntityCases();
  const difficult: Case[] = [];
  let harder = 0;
  for (const entity of history.assessments.all()) {
    const row = rows.get(entity.id);
    const known = entity.fields?.exercises ?? [];
    const raised = known.filter(({ id }) => becameHarder(expected.completions.get(id)));
    harder += raised.length;
    cases.compare(entity, row?.version, BigInt(entity.acknowledged + raised.length));
    if (!row || !entity.fields) continue;
    const isNewest = entity.unknown === 0 || row.version === entity.version;
    if (isNewest && !isAsTold(row, entity.fields)) cases.changed.push(caseOf(entity.id));
    for (const { exercise_id: id, difficulty } of row.exercises) {
      const start = history.difficulties.acknowledged.get(id);
      const wanted = (start ?? 0) + (becameHarder(expected.completions.get(id)) ? 1 : 0);
      if (start !== undefined && difficulty !== wanted) difficult.push(caseOf(id));
    }
  }
  const answers = formatCount(history.assessments.acknowledgedCount);
  return checkOf(
    `${answers} acknowledged assessment changes stored, ${formatCount(harder)} exercises made harder once`,
    [
      ...cases.findings('assessments'),
      findingOf(
        'changed',
        NO_LINK,
        'exercises whose difficulty does not match their solutions',
        difficult,
      ),
    ],
  );
}

function isAsTold(row: AssessmentRow, told: RecordedAssessment): boolean {
  const { authorId, title, knowledgeArea, titleWithoutArea, exercises } = told;
  const stored = titleOfRow(row);
  return (
    row.authorId === authorId &&
    joinTitle(stored) === title &&
    stored.knowledge_area === knowledgeArea &&
    stored.title === titleWithoutArea &&
    row.exercises.length === exercises.length &&
    exercises.every(({ id, title, text }, at) => {
      const stored = row.exercises[at];
      return stored?.exercise_id === id && stored.title === title && stored.text === text;
    })
  );
}

/** Collects entities whose version does not fit the answers. */
class EntityCases {
  readonly lost: Case[] = [];
  readonly changed: Case[] = [];
  readonly doubled: Case[] = [];

  /** `least`: the number of changes that certainly happened. */
  compare({ id, version, unknown }: EntityRecord<unknown>, stored = 0n, least: bigint): void {
    const wanted = version > least ? version : least;
    if (stored < wanted) this.lost.push(caseOf(id, wanted));
    const most = least + BigInt(unknown);
    if (stored > most) this.doubled.push(caseOf(id, stored, { count: Number(stored - most) }));
  }

  findings(what: string): Finding[] {
    return [
      findingOf('lost', NO_LINK, `${what} older than callers were told`, this.lost),
      findingOf(
        'changed',
        NO_LINK,
        `${what} with other fields than callers were told`,
        this.changed,
      ),
      findingOf('doubled', NO_LINK, `${what} with more changes than calls`, this.doubled),
    ];
  }
}

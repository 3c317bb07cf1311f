/** Candidates and what they are assigned, in PostgreSQL. */
import type { Database, EntitySource, Transaction } from 'relink';
import { BEFORE_ALL_IDS } from '../../paging.ts';
import { type Candidate, candidateCreated } from '../domain/candidate.ts';

export interface Assignment {
  readonly id: string;
  readonly candidateId: string;
  readonly assessmentId: string;
  readonly assignedBy: string;
  /** RFC 3339 */
  readonly assignedAt: string;
}

/** Inserts a candidate; answers false when the id is taken. */
export async function insertCandidate(tx: Transaction, candidate: Candidate): Promise<boolean> {
  const rows = await tx`
    insert into candidates (id, version, name, status, exercises_to_solve, created_at)
    values (${candidate.id}, ${candidate.version}, ${candidate.name}, ${candidate.status},
      ${JSON.stringify(candidate.exercisesToSolve)}::text::jsonb,
      ${candidate.createdAt.toISOString()})
    on conflict (id) do nothing returning id`;
  return rows.length === 1;
}

/** The candidate under its row lock, which orders its versions; undefined when unknown. */
export async function lockCandidate(tx: Transaction, id: string): Promise<Candidate | undefined> {
  const [row] = await tx<CandidateRow[]>`
    select id, version, name, status, exercises_to_solve, created_at::text as created_at
    from candidates where id = ${id} for update`;
  return row && candidateOf(row);
}

/** Saves a changed candidate that is locked. */
export async function saveCandidate(tx: Transaction, candidate: Candidate): Promise<void> {
  await tx`
    update candidates set version = ${candidate.version},
      exercises_to_solve = ${JSON.stringify(candidate.exercisesToSolve)}::text::jsonb
    where id = ${candidate.id}`;
}

export async function findCandidate(sql: Database, id: string): Promise<Candidate | undefined> {
  const [row] = await sql<CandidateRow[]>`
    select id, version, name, status, exercises_to_solve, created_at::text as created_at
    from candidates where id = ${id}`;
  return row && candidateOf(row);
}

/** Keeps an assignment; answers false when the candidate has the assessment already. */
export async function insertAssignment(tx: Transaction, assignment: Assignment): Promise<boolean> {
  const rows = await tx`
    insert into assignments (id, candidate_id, assessment_id, assigned_by, assigned_at)
    values (${assignment.id}, ${assignment.candidateId}, ${assignment.assessmentId},
      ${assignment.assignedBy}, ${assignment.assignedAt})
    on conflict do nothing returning id`;
  return rows.length === 1;
}

/** Ids of the assessments that the candidate is assigned. */
export async function listAssigned(sql: Database, candidateId: string): Promise<string[]> {
  const rows = await sql<{ assessment_id: string }[]>`
    select assessment_id from assignments where candidate_id = ${candidateId}
    order by assigned_at, id`;
  return rows.map((row) => row.assessment_id);
}

/** COMM-030's entity on the owner's side. */
export const candidateSource: EntitySource = {
  table: 'candidates',
  key: 'id',
  version: 'version',
  texts: ['name', 'status', 'exercises_to_solve::text'],
  page: async (tx, { afterKey, limit, keys }) => {
    const rows = await tx<CandidateRow[]>`
      select id, version, name, status, exercises_to_solve, created_at::text as created_at
      from candidates
      where (${afterKey} = '' or id > ${afterKey || BEFORE_ALL_IDS}::uuid)
        and (${keys.length} = 0 or id = any(${keys as string[]}::uuid[]))
      order by id limit ${limit}`;
    return rows.map((row) => ({ ...candidateCreated(candidateOf(row)), key: row.id }));
  },
};

interface CandidateRow {
  id: string;
  version: bigint;
  name: string;
  status: 'candidate' | 'teacher';
  exercises_to_solve: string[];
  created_at: string;
}

function candidateOf(row: CandidateRow): Candidate {
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    status: row.status,
    exercisesToSolve: row.exercises_to_solve,
    createdAt: new Date(row.created_at),
  };
}

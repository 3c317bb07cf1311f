/** Replicas of candidates, as COMM-030 brings them, and who was promoted. */
import type { Database, ReplicaTable, Transaction } from 'relink';
import type { Page } from '../../paging.ts';
import type { Candidate } from '../domain/candidate.ts';

/** COMM-030's entity on this side: its columns in the order of the owner's texts. */
export const candidateReplica: ReplicaTable = {
  table: 'candidate_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  columns: { name: 'text', status: 'text', exercises_to_solve: 'jsonb' },
};

export async function isCandidate(tx: Transaction, id: string): Promise<boolean> {
  const rows = await tx`select 1 from candidate_replicas where id = ${id}`;
  return rows.length === 1;
}

/** Makes a candidate a teacher, once. Nothing when there is no such candidate. */
export async function promote(sql: Database, id: string, now: Date): Promise<void> {
  await sql`
    insert into teachers (candidate_id, promoted_at)
    select id, ${now.toISOString()}::timestamptz from candidate_replicas where id = ${id}
    on conflict do nothing`;
}

export async function findCandidate(sql: Database, id: string): Promise<Candidate | undefined> {
  const [row] = await sql<CandidateRow[]>`
    select id, version, name, status, exercises_to_solve, promoted_at::text as promoted_at
    from candidate_replicas left join teachers on candidate_id = id where id = ${id}`;
  return row && candidateOf(row);
}

/** Candidates in the order of their ids. */
export async function listCandidates(
  sql: Database,
  { after, limit }: Page<string>,
): Promise<Candidate[]> {
  const rows = await sql<CandidateRow[]>`
    select id, version, name, status, exercises_to_solve, promoted_at::text as promoted_at
    from candidate_replicas left join teachers on candidate_id = id
    where id > ${after}::uuid order by id limit ${limit}`;
  return rows.map(candidateOf);
}

interface CandidateRow {
  id: string;
  version: bigint;
  name: string;
  status: 'candidate' | 'teacher';
  exercises_to_solve: string[];
  promoted_at: string | null;
}

function candidateOf(row: CandidateRow): Candidate {
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    hiredAs: row.status,
    exercisesToSolve: row.exercises_to_solve,
    ...(row.promoted_at && { promotedAt: new Date(row.promoted_at) }),
  };
}

/** Replicas of candidates, as COMM-030 brings them, and who was promoted. */

import { eq, gt } from 'drizzle-orm';
import type { Database, ReplicaTable, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { candidateReplicas, teachers } from '../../../db/management/tables.ts';
import type { Page } from '../../paging.ts';
import type { Candidate } from '../domain/candidate.ts';

/** COMM-030's entity on this side: its columns in the order of the owner's texts. */
export const candidateReplica: ReplicaTable = {
  table: 'candidate_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: { 0: { columns: { name: 'text', status: 'text', exercises_to_solve: 'jsonb' } } },
};

export async function isCandidate(tx: Transaction, id: string): Promise<boolean> {
  const known = drizzle(tx).select({ id: candidateReplicas.id }).from(candidateReplicas);
  const rows = await known.where(eq(candidateReplicas.id, id));
  return rows.length === 1;
}

/** Makes a candidate a teacher, once. Nothing when there is no such candidate. */
export async function promote(sql: Database, id: string, now: Date): Promise<void> {
  // In SQL, since the row is made from the replica's.
  await sql`
    insert into teachers (candidate_id, promoted_at)
    select id, ${now.toISOString()}::timestamptz from candidate_replicas where id = ${id}
    on conflict do nothing`;
}

export async function findCandidate(sql: Database, id: string): Promise<Candidate | undefined> {
  const [row] = await selectCandidates(sql).where(eq(candidateReplicas.id, id));
  return row && candidateOf(row);
}

/** Candidates in the order of their ids. */
export async function listCandidates(
  sql: Database,
  { after, limit }: Page<string>,
): Promise<Candidate[]> {
  const rows = await selectCandidates(sql)
    .where(gt(candidateReplicas.id, after))
    .orderBy(candidateReplicas.id)
    .limit(limit);
  return rows.map(candidateOf);
}

function selectCandidates(sql: Database) {
  const { id, version, name, status: hiredAs, exercisesToSolve } = candidateReplicas;
  const { promotedAt } = teachers;
  return drizzle(sql)
    .select({ id, version, name, hiredAs, exercisesToSolve, promotedAt })
    .from(candidateReplicas)
    .leftJoin(teachers, eq(teachers.candidateId, id));
}

type CandidateRow = Awaited<ReturnType<typeof selectCandidates>>[number];

function candidateOf({ promotedAt, ...row }: CandidateRow): Candidate {
  return { ...row, ...(promotedAt && { promotedAt }) };
}

/** A candidate as management sees it: what hiring says, and whether management promoted it. */
export interface Candidate {
  readonly id: string;
  /** The owner's. */
  readonly version: bigint;
  readonly name: string;
  /** What hiring says. */
  readonly hiredAs: 'candidate' | 'teacher';
  /** Ids of the exercises that are assigned and not solved yet. */
  readonly exercisesToSolve: readonly string[];
  readonly promotedAt?: Date;
}

/** Who was promoted here is a teacher, whatever an older state of hiring says. */
export function statusOf({ hiredAs, promotedAt }: Candidate): 'candidate' | 'teacher' {
  return promotedAt ? 'teacher' : hiredAs;
}

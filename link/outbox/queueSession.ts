/**
 * What a session of the queue's pool must be: the one that reads, closes and sweeps outbox rows, as
 * PostgreSQL would choose for other tables and not for a queue.
 *
 * Statistics are always late on a table that is empty most of the time: the planner expects a few
 * rows after the tail of a leg, fetches all of them by a bitmap and sorts them, so a read of 600 rows
 * took 77 ms with 50,000 open, and a second with more; by the index's order it takes 1 ms, however
 * many are open.
 *
 * So the plans are always the same, and need not be made again for each execution, which took half of
 * what a read of one row costs.
 *
 * A removal that is lost with the power is only sent again, so its commit need not reach the disk.
 *
 * A row that somebody else locked delays only itself: the others of its batch are closed without it.
 */
export const QUEUE_SESSION: Readonly<Record<string, string>> = {
  synchronous_commit: 'off',
  enable_bitmapscan: 'off',
  enable_seqscan: 'off',
  plan_cache_mode: 'force_generic_plan',
  lock_timeout: '200ms',
};

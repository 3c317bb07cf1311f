/** Does the work for each of `items`, for at most `limit` at once; the first failure ends it. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const workOn = async () => {
    while (next < items.length && !hasFailed) await work(items[next++]!);
  };
  const noteFailure = (error: unknown) => {
    hasFailed = true;
    throw error;
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, () => workOn());
  await Promise.all(workers.map((worker) => worker.catch(noteFailure)));
}

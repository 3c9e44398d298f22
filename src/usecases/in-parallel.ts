/** Works off `work`, so many at once. */
export async function inParallel(work: (() => Promise<void>)[], limit: number): Promise<void> {
  const queue = work.values();
  const lane = async () => {
    for (const each of queue) await each();
  };
  // All lanes come to rest before a fault of one is told: nothing writes on behind the caller's back.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, work.length) }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

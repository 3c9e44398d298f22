/** The call allowance of one account, shared by every replica that uses it. */
export interface CallBudget {
  /** Books the next free slot of this action and says how long to wait for it. */
  reserve(action: string, spacingMs: number): Promise<{ waitMs: number }>;
  /** The vendor throttled us: nobody books a slot of this action before `pauseMs` have passed. */
  pause(action: string, pauseMs: number): Promise<void>;
}

/** For one process alone. */
export function localCallBudget(now: () => number = Date.now): CallBudget {
  const nextFreeAt = new Map<string, number>();
  return {
    async reserve(action, spacingMs) {
      const at = Math.max(now(), nextFreeAt.get(action) ?? 0);
      nextFreeAt.set(action, at + spacingMs);
      return { waitMs: at - now() };
    },
    async pause(action, pauseMs) {
      nextFreeAt.set(action, Math.max(nextFreeAt.get(action) ?? 0, now() + pauseMs));
    },
  };
}

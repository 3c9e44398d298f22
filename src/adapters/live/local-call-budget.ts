import type { CallBudget } from '../../ports.ts';

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

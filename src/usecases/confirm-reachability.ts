import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../ports.ts';
import type { Reachability } from './watch-reachability.ts';

/** An answer holds for so long. */
const HOLDS_MS = 3_000;
/** A canary that is under way for longer says nothing yet; it is asked for again in the next tick. */
const PATIENCE_MS = 1_500;

/**
 * Says whether callbacks can reach us right now, for whoever is about to say that the vendor sends none. False: they cannot, or
 * it is not known yet; the blind span is then on its way to be told. True where the question itself fails: doubt mutes nobody.
 */
export function createReachabilityCheck(parts: {
  clock: Clock;
  watch(): Promise<Reachability>;
  onProblem(what: string, error: unknown): void;
}): () => Promise<boolean> {
  let asked: { at: number; answer: Promise<boolean>; isOver: boolean } | null = null;
  return async function isReachable(): Promise<boolean> {
    const now = parts.clock.now();
    if (asked === null || (asked.isOver && Math.abs(now - asked.at) >= HOLDS_MS)) {
      const answer = parts.watch().then(
        ({ reachable }) => reachable,
        (error) => {
          parts.onProblem('our own public address could not be tried', error);
          return true;
        },
      );
      const question = { at: now, answer, isOver: false };
      asked = question;
      void answer.finally(() => {
        question.isOver = true;
      });
    }
    const giveUp = new AbortController();
    try {
      return await Promise.race([asked.answer, delay(PATIENCE_MS, false, { signal: giveUp.signal })]);
    } finally {
      giveUp.abort();
    }
  };
}

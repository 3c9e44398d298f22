import type { Instant } from '../core/instant.ts';
import type { LifecycleRule } from '../core/judge-capture.ts';
import type { IndexWitness } from '../core/witness.ts';
import { type AuditTotals, CouldNotLookError, type StoredCapture, type StreamRow } from '../ports.ts';
import type { AuditorParts } from './audit-window.ts';
import { RULES_NOT_READ } from './audit-window-stretch.ts';
import type { StreamLooks } from './audit-window-terms.ts';

const CALLBACKS_A_PAGE = 2_000;

/** How the audit of a stream looks outside, counted in `totals`. `budget` is that of the whole audit, and is spent here. */
export function createLooks(
  parts: AuditorParts,
  totals: AuditTotals,
  budget: { headsLeft: number; mayHead: boolean },
): StreamLooks {
  const lifecycles = new Map<string, Promise<readonly LifecycleRule[]>>();
  return {
    async callbacks(streamId, from, to) {
      const all: StoredCapture[] = [];
      for (;;) {
        const after = all.at(-1) ?? null;
        const page = await parts.captures.readCallbacks({ streamId, from, to, after, limit: CALLBACKS_A_PAGE });
        for (const capture of page) all.push(capture);
        if (page.length < CALLBACKS_A_PAGE) return all;
      }
    },

    async head(bucket, endpoint, key, essential) {
      if (!essential && (!budget.mayHead || budget.headsLeft <= 0)) return undefined;
      budget.headsLeft--;
      totals.headCalls++;
      try {
        const found = await parts.buckets.open(bucket, endpoint).head(key);
        // An absence is proven by a listing of that one key.
        if (found === null) totals.listCalls++;
        return found;
      } catch (error) {
        // The right to read objects is another one than the right to list them, and an audit can do without.
        if (essential || !(error instanceof CouldNotLookError) || error.reason !== 'access-denied') throw error;
        budget.mayHead = false;
        return undefined;
      }
    },

    async index(stream: StreamRow, from: Instant, to: Instant) {
      const rows: IndexWitness[] = [];
      let calls = 0;
      try {
        for await (const page of parts.live.snapshotRecords(stream, from, to)) {
          calls++;
          rows.push(...page);
        }
      } finally {
        totals.indexCalls += Math.max(1, calls);
      }
      return rows;
    },

    lifecycle(bucket, endpoint) {
      const key = `${endpoint} ${bucket}`;
      let rules = lifecycles.get(key);
      if (!rules) {
        totals.headCalls++;
        // The right to read the rules is another one than the right to list, and an audit can do without.
        rules = parts.buckets
          .open(bucket, endpoint)
          .lifecycleRules()
          .catch((error) => {
            if (error instanceof CouldNotLookError && error.reason === 'access-denied') return RULES_NOT_READ;
            throw error;
          });
        lifecycles.set(key, rules);
      }
      return rules;
    },

    rejections: (objects) => parts.audits.rejections(objects),
    judged: (streamId, from, to) => parts.audits.judgedBetween(streamId, from, to),
    markLate: (streamId, from) => parts.audits.markLate([streamId], from, 'late-callback'),
    record: parts.record,
  };
}

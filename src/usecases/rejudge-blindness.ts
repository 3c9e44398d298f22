import { changedBlindness } from '../core/blind-spans.ts';
import type { Instant } from '../core/instant.ts';
import type { Span } from '../core/span.ts';
import type { AuditStore } from '../ports.ts';

/** A heartbeat may be on its way to the database for so long. */
export const HEARTBEAT_LAG_MS = 20_000;
/** Blindness that changes later than this is not judged again. */
const REACH_MS = 8 * 24 * 3_600_000;

/**
 * Where blindness has changed since the last audit (a receiver that could not reach the database hands in its heartbeats later),
 * streams that were on air then, and are judged past it, are judged again.
 */
export async function rejudgeChangedBlindness(audits: AuditStore, now: Instant): Promise<void> {
  const since = await audits.observedSince();
  if (since === null) return;
  const from = Math.max(since, now - REACH_MS);
  const spans = await audits.blindSpans(from, now - HEARTBEAT_LAG_MS);
  const changed = changedBlindness(clip(await audits.judgedBlindSpans(), from), spans);
  if (changed.length > 0) await audits.replaceJudgedBlindSpans(spans, changed);
}

function clip(spans: readonly Span[], from: Instant): Span[] {
  return spans.filter((span) => span.to > from).map((span) => ({ from: Math.max(span.from, from), to: span.to }));
}

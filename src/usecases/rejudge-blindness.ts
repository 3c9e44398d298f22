import type { Instant } from '../core/instant.ts';
import { complementSpans, mergeSpans, type Span } from '../core/span.ts';
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
  const changed = difference(clip(await audits.judgedBlindSpans(), from), spans);
  if (changed.length > 0) await audits.replaceJudgedBlindSpans(spans, changed);
}

function clip(spans: readonly Span[], from: Instant): Span[] {
  return spans.filter((span) => span.to > from).map((span) => ({ from: Math.max(span.from, from), to: span.to }));
}

/** What only one of the two covers. */
function difference(a: readonly Span[], b: readonly Span[]): Span[] {
  const all = mergeSpans([...a, ...b]);
  const [first, last] = [all[0], all.at(-1)];
  if (!first || !last) return [];
  const onlyA = b.length === 0 ? [...a] : a.flatMap((span) => complementSpans(mergeSpans(b), span.from, span.to));
  const onlyB = a.length === 0 ? [...b] : b.flatMap((span) => complementSpans(mergeSpans(a), span.from, span.to));
  return mergeSpans([...onlyA, ...onlyB]);
}

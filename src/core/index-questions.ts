import type { Instant } from './instant.ts';
import { type JudgeAt, type JudgeTerms, judgeSpan, type SpanEvidence } from './judge.ts';
import type { JudgeState } from './judge-state.ts';
import { mergeSpans, type Span } from './span.ts';

/**
 * Where the third witness is needed: callback yes and object no, or both absent (overwrite mode: wherever the object has been
 * replaced). `evidence` is what callbacks and listing gave; once the index of these spans is read, judge with it from the same
 * state. Spans are one interval wider than the slots in doubt, and end at `at.until`.
 */
export function indexQuestions(state: JudgeState, terms: JudgeTerms, evidence: SpanEvidence, at: JudgeAt): Span[] {
  const marginMs = terms.config.intervalSeconds * 1_000;
  const spans: Span[] = [];
  const ask = (slotAt: Instant) => {
    spans.push({ from: slotAt - marginMs, to: Math.min(slotAt + marginMs, at.until) });
  };
  judgeSpan(state, terms, evidence, {
    ...at,
    onSlot: ({ at: slotAt, verdict, cause }) => {
      // Why a callback is missing the index does not know.
      if ((cause === 'undetermined' && verdict !== 'callback_missing') || cause === 'index_failed') ask(slotAt);
    },
  });
  return mergeSpans(spans);
}

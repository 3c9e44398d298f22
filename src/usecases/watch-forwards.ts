import type { Found } from '../core/found.ts';
import type { Instant } from '../core/instant.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { AlertSink, Clock } from '../ports.ts';
import type { ForwardOutcome } from './forward-callback.ts';

/** A target that takes some and refuses others is in trouble until so long no refusal has come. */
const OVER_AFTER_MS = 5 * 60_000;
const RETELL_MS = 60_000;

/** Reports a receiver before us that refuses what is passed on to it. Each replica tells what it saw itself. */
export function createForwardWatch(parts: { sink: AlertSink; clock: Clock }) {
  /** By host of the target: the last refusal (null: none yet), and when what was told. */
  const seen = new Map<string, { refusedAt: Instant | null; told: boolean | null; toldAt: Instant }>();
  return async function note(target: string, result: ForwardOutcome): Promise<void> {
    const now = parts.clock.now();
    const key = URL.canParse(target) ? new URL(target).host : shownUrl(target);
    const before = seen.get(key) ?? { refusedAt: null, told: null, toldAt: now };
    const refusedAt = result.outcome === 'dropped' ? now : before.refusedAt;
    const active = refusedAt !== null && now - refusedAt < OVER_AFTER_MS;
    const isNews = before.told !== active || (result.outcome === 'dropped' && now - before.toldAt >= RETELL_MS);
    seen.set(key, isNews ? { refusedAt, told: active, toldAt: now } : { ...before, refusedAt });
    if (!isNews) return;
    const found: Found | null =
      result.outcome === 'dropped' ? { code: 'forward-refused', host: key, reason: result.reason } : null;
    await parts.sink.report({ kind: 'forward_refused', key, active, at: now, ...(found && { found }) });
  };
}

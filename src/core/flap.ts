import type { IncidentRules } from './incident-rules.ts';
import type { Instant } from './instant.ts';

/** True where the incident was opened again within the flap window before `now`. */
export function isFlapping(reopenings: readonly Instant[], now: Instant, rules: IncidentRules): boolean {
  return reopenings.some((at) => now - at < rules.flapWindowSeconds * 1000);
}

/**
 * How long the facts must be good before the incident is resolved. An incident that came back once has to be quiet for
 * much longer: people then hear "opened", "resolved", "opened again" and one final "resolved", however often it flaps.
 */
export function resolveHoldSeconds(reopenings: readonly Instant[], now: Instant, rules: IncidentRules): number {
  return isFlapping(reopenings, now, rules) ? rules.flapHoldSeconds : rules.resolveAfterSeconds;
}

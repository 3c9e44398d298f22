/** A point in time: whole milliseconds since the Unix epoch, UTC. */
export type Instant = number;

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339 in UTC with milliseconds, e.g. `2026-11-24T02:46:26.000Z`. */
export function formatInstant(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** Reads RFC 3339; null for anything else (a date without a zone is not an instant, and there is no 31st of February). */
export function parseInstant(text: string): Instant | null {
  if (!RFC3339.test(text)) return null;
  const instant = Date.parse(text);
  // A day or an hour too many would only be carried over.
  const written = text.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  const wallClock = Date.parse(`${written}Z`);
  if (Number.isNaN(instant) || Number.isNaN(wallClock)) return null;
  return new Date(wallClock).toISOString().startsWith(written) ? instant : null;
}

/** True where `at` lies nearer to `near` than `than` does; false where one of them is not known. */
export function isNearer(at: Instant | null, than: Instant | null, near: Instant | null): boolean {
  return at !== null && than !== null && near !== null && Math.abs(at - near) < Math.abs(than - near);
}

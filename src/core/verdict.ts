/** What the witnesses amount to for one slot (DESIGN 2.1). */
export const VERDICTS = [
  'pending',
  'ok',
  'late',
  'callback_missing',
  'object_missing',
  'not_captured',
  'misnamed',
  'unexpected',
  'excused',
  'unknown',
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The verdicts that are faults, and that an excused span turns into `excused`. */
export const BAD_VERDICTS = ['late', 'callback_missing', 'object_missing', 'not_captured', 'misnamed'] as const;
const BAD: ReadonlySet<Verdict> = new Set(BAD_VERDICTS);

export function isBad(verdict: Verdict): boolean {
  return BAD.has(verdict);
}

/** The slots that coverage is a share of. */
export const SLOT_VERDICTS_THAT_COUNT = ['ok', ...BAD_VERDICTS] as const;

/** Why a verdict is not `ok`. A closed list: to add one, see "how to add a cause" in the README. */
export const CAUSES = [
  'late_delivery',
  'wrong_name',
  'receiver_down',
  'callback_not_ours',
  'callback_rejected',
  'delivery_lost',
  'object_expired',
  'object_deleted',
  'never_stored',
  'unconfirmed',
  'not_captured',
  'interval_drift',
  'no_session',
  'beyond_beat',
  'listing_failed',
  'index_failed',
  'undetermined',
] as const;
export type Cause = (typeof CAUSES)[number];

/** Slots per verdict; a verdict that did not occur is 0. */
export type SlotCounts = Record<Verdict, number>;

export function emptySlotCounts(): SlotCounts {
  return {
    pending: 0,
    ok: 0,
    late: 0,
    callback_missing: 0,
    object_missing: 0,
    not_captured: 0,
    misnamed: 0,
    unexpected: 0,
    excused: 0,
    unknown: 0,
  };
}

/** Adds `more` to `counts` in place. */
export function addSlotCounts(counts: SlotCounts, more: Partial<SlotCounts>): void {
  for (const verdict of VERDICTS) counts[verdict] += more[verdict] ?? 0;
}

import type { Cause, Verdict } from '../../../core/verdict.ts';

/** What a witness said when the audit asked; null where the verdict does not tell. */
export type Finding = 'yes' | 'no' | 'could_not_look' | 'not_asked';

export interface AuditFindings {
  object: Finding | null;
  index: Finding | null;
}

/**
 * What the audit found of one slot: the table of DESIGN 2.1 read from the verdict back to the witnesses. `evidence` is what it
 * kept of this very slot, if anything. In overwrite mode other witnesses speak for a picture that was replaced, so there only
 * the evidence counts.
 */
export function asAudited(
  { verdict, cause }: { verdict: Verdict; cause: Cause | null },
  mode: 'sequence' | 'overwrite',
  evidence: unknown,
): AuditFindings {
  const findings = mode === 'sequence' ? findingsOf(verdict, cause) : { object: null, index: null };
  if (isTrue(evidence, 'stored')) findings.object = 'yes';
  if (isTrue(evidence, 'indexed')) findings.index = 'yes';
  return findings;
}

function isTrue(evidence: unknown, fact: 'stored' | 'indexed'): boolean {
  return typeof evidence === 'object' && evidence !== null && (evidence as Record<string, unknown>)[fact] === true;
}

/** The index is asked only where callback and object disagree, or neither is there. */
function findingsOf(verdict: Verdict, cause: Cause | null): AuditFindings {
  switch (cause) {
    case 'late_delivery':
    case 'wrong_name':
    case 'callback_not_ours':
    case 'callback_rejected':
    case 'delivery_lost':
      return { object: 'yes', index: 'not_asked' };
    case 'receiver_down':
      return verdict === 'callback_missing'
        ? { object: 'yes', index: 'not_asked' }
        : { object: 'could_not_look', index: null };
    case 'object_expired':
    case 'object_deleted':
      return { object: 'no', index: 'yes' };
    case 'never_stored':
    case 'unconfirmed':
    case 'not_captured':
      return { object: 'no', index: 'no' };
    case 'interval_drift':
      return { object: 'no', index: null };
    case 'undetermined':
      if (verdict === 'callback_missing') return { object: 'yes', index: 'not_asked' };
      return { object: 'no', index: 'could_not_look' };
    case 'index_failed':
      return { object: 'no', index: 'could_not_look' };
    case 'listing_failed':
      return { object: 'could_not_look', index: null };
    case 'no_session':
    case 'beyond_beat':
      return { object: null, index: null };
    case null:
      return verdict === 'ok' ? { object: 'yes', index: 'not_asked' } : { object: null, index: null };
    default:
      return cause satisfies never;
  }
}

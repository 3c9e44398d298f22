import type { ConfigFields } from './config-diff.ts';
import { type PlanStep, stepFingerprint, subjectKey, subjectOf } from './config-plan.ts';

/** What a person agreed to: the steps that were shown. */
export interface AgreedSteps {
  /** Exactly such a step was shown. */
  includes(step: PlanStep): boolean;
  /**
   * Such a step finishes one that was shown, after it was lost or overtaken: it works on the same subject, and what it sets was to be set
   * then. Where the shown one was an Update, it may also add the config that was to stand after it.
   */
  cover(step: PlanStep): boolean;
}

export function agreedSteps(shown: readonly PlanStep[]): AgreedSteps {
  const fingerprints = new Set(shown.map(stepFingerprint));
  const bySubject = new Map(shown.map((step) => [subjectKey(subjectOf(step)), step]));
  const includes = (step: PlanStep) => fingerprints.has(stepFingerprint(step));
  return {
    includes,
    cover(step) {
      const agreed = bySubject.get(subjectKey(subjectOf(step)));
      return agreed !== undefined && (includes(step) || finishes(step, agreed));
    },
  };
}

function finishes(step: PlanStep, agreed: PlanStep): boolean {
  if (step.kind === 'add_config') return 'config' in agreed && sets(step.config, agreed.config);
  if (step.kind !== 'update_config') return false;
  if (agreed.kind === 'add_config') return sets(step.change, agreed.config);
  return agreed.kind === 'update_config' && sets(step.change, agreed.change);
}

function sets(change: Partial<ConfigFields>, agreed: Partial<ConfigFields>): boolean {
  return Object.entries(change).every(([field, value]) => {
    const name = field as keyof ConfigFields;
    return name in agreed && agreed[name] === value;
  });
}

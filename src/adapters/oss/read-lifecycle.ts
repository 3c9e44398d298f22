import type { LifecycleRule } from '../../ports.ts';
import { BadAnswerError } from './bad-answer-error.ts';
import type { RawLifecycleRule } from './oss-client.ts';

/**
 * Keeps the enabled rules that delete objects after a number of days. Rules bound to object tags are left out: snapshots
 * carry none, so such a rule explains no absence.
 */
export function readLifecycle(rules: RawLifecycleRule[] | null, data: Buffer | string | undefined): LifecycleRule[] {
  if (!data?.includes('<LifecycleConfiguration')) throw new BadAnswerError('it is not a lifecycle configuration');
  return (rules ?? [])
    .filter((rule) => rule.status === 'Enabled' && rule.tag === undefined && rule.expiration?.days !== undefined)
    .map((rule) => {
      const days = Number(rule.expiration?.days);
      if (!(Number.isInteger(days) && days > 0)) throw new BadAnswerError('it holds a rule whose days are no number');
      return { prefix: typeof rule.prefix === 'string' ? rule.prefix : '', days };
    });
}

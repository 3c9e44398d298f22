import type { ConfigVersion } from '../core/config-version.ts';
import type { Span } from '../core/span.ts';
import type { CallbackWitness, ObjectWitness } from '../core/witness.ts';
import type { StreamNames } from './audit-window-names.ts';
import type { StreamLooks } from './audit-window-terms.ts';

export interface Absences {
  /** What was found nevertheless. */
  found: ObjectWitness[];
  /** Proven. */
  absent: string[];
  /** Names outside the listed prefix that OSS was not asked for. */
  unasked: string[];
}

/** Absent from the list is only a candidate (reference/oss.md section 2): one HEAD confirms it, or finds the object. */
export async function confirmAbsences(
  callbacks: readonly CallbackWitness[],
  listed: readonly ObjectWitness[],
  { from, to }: Span,
  { config, names, looks }: { config: ConfigVersion; names: StreamNames; looks: StreamLooks },
): Promise<Absences> {
  const absences: Absences = { found: [], absent: [], unasked: [] };
  const present = new Set(listed.map((object) => object.key));
  const asked = new Set<string>();
  for (const { object, bucket, capturedAt, receivedAt } of callbacks) {
    if (present.has(object) || asked.has(object) || names.isOverwrite(object)) continue;
    const inName = names.timeOf(object, receivedAt);
    const at = inName ?? capturedAt ?? receivedAt;
    if (at < from || at >= to) continue;
    asked.add(object);
    const elsewhere = bucket !== '' && bucket !== config.bucket;
    const found = elsewhere ? undefined : await looks.head(config.bucket, config.endpoint, object, false);
    if (found) absences.found.push(found);
    else if (found === null) absences.absent.push(object);
    else if (elsewhere || inName === null) absences.unasked.push(object);
  }
  return absences;
}

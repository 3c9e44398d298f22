import { shownUrl } from './shown-url.ts';

/** The fields of a snapshot config that can differ, in the order in which people read them. */
export const CONFIG_FIELDS = [
  'intervalSeconds',
  'bucket',
  'endpoint',
  'sequenceObject',
  'overwriteObject',
  'callback',
] as const;
export type ConfigField = (typeof CONFIG_FIELDS)[number];

export interface ConfigFields {
  /** 5 to 3600. */
  intervalSeconds: number;
  bucket: string;
  endpoint: string;
  /** Template of the sequence mode, or null where the mode is off. */
  sequenceObject: string | null;
  overwriteObject: string | null;
  /** The callback URL; null where there is none. */
  callback: string | null;
}

/** Drift between our file and the vendor (DESIGN 1). */
export type ConfigState = 'in_sync' | 'drifted' | 'pending_reingest' | 'missing' | 'unmanaged' | 'unknown';

/** One field that differs. Where it is kept or told keys appear as words (`ours`, `another key`, `none`) and URLs as `shownUrl` has them. */
export interface FieldDifference {
  field: string;
  desired: string | number | null;
  actual: string | number | null;
}

/** The value of a field as people read it. */
export function shownValue<Value>(field: string, value: Value): Value | string {
  return ['callback', 'url'].includes(field) && typeof value === 'string' ? shownUrl(value) : value;
}

/** The fields, picked from anything that has them. */
export function configFields(config: ConfigFields): ConfigFields {
  const { intervalSeconds, bucket, endpoint, sequenceObject, overwriteObject, callback } = config;
  return { intervalSeconds, bucket, endpoint, sequenceObject, overwriteObject, callback };
}

export function differingFields(
  desired: ConfigFields,
  actual: ConfigFields,
  ignored: readonly ConfigField[] = [],
): (FieldDifference & { field: ConfigField })[] {
  return CONFIG_FIELDS.filter((field) => !ignored.includes(field) && desired[field] !== actual[field]).map((field) => ({
    field,
    desired: desired[field],
    actual: actual[field],
  }));
}

export function shownDifferences(differences: readonly FieldDifference[]): FieldDifference[] {
  return differences.map(({ field, desired, actual }) => ({
    field,
    desired: shownValue(field, desired),
    actual: shownValue(field, actual),
  }));
}

/** The change that makes `actual` into `desired`: only what differs; null removes. */
export function changeTowards(
  differences: readonly (FieldDifference & { field: ConfigField })[],
): Partial<ConfigFields> {
  return Object.fromEntries(differences.map(({ field, desired }) => [field, desired])) as Partial<ConfigFields>;
}

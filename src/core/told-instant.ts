import type { Instant } from './instant.ts';

/** How a body wrote an instant, exact enough to write it the same way again. */
export type InstantForm = 's-number' | 's-text' | 'ms-number' | 'ms-text' | 'iso-s' | 'iso-ms';

export interface ToldInstant {
  instant: Instant;
  form: InstantForm;
}

const ISO_SECONDS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const ISO_MILLISECONDS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const SECONDS = /^\d{10}$/;
const MILLISECONDS = /^\d{13}$/;

/** Ten digits are seconds, thirteen milliseconds, as number or text; ISO is UTC. Null for anything else. */
export function readToldInstant(value: unknown): ToldInstant | null {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return null;
    if (value >= 1e9 && value < 1e10) return { instant: value * 1000, form: 's-number' };
    if (value >= 1e12 && value < 1e13) return { instant: value, form: 'ms-number' };
    return null;
  }
  if (typeof value !== 'string') return null;
  if (SECONDS.test(value)) return { instant: Number(value) * 1000, form: 's-text' };
  if (MILLISECONDS.test(value)) return { instant: Number(value), form: 'ms-text' };
  const form = ISO_SECONDS.test(value) ? 'iso-s' : ISO_MILLISECONDS.test(value) ? 'iso-ms' : null;
  if (!form) return null;
  const instant = Date.parse(value);
  // The 31st of February reads as a March day: what would be written differently is not understood.
  if (Number.isNaN(instant) || writeToldInstant({ instant, form }) !== value) return null;
  return { instant, form };
}

/** The inverse of `readToldInstant`. */
export function writeToldInstant({ instant, form }: ToldInstant): string | number {
  switch (form) {
    case 's-number':
      return Math.floor(instant / 1000);
    case 's-text':
      return String(Math.floor(instant / 1000));
    case 'ms-number':
      return instant;
    case 'ms-text':
      return String(instant);
    case 'iso-s':
      return `${new Date(instant).toISOString().slice(0, 19)}Z`;
    case 'iso-ms':
      return new Date(instant).toISOString();
    default:
      return form satisfies never;
  }
}

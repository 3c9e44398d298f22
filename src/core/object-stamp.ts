import { type Instant, isNearer } from './instant.ts';

/** Unit of {UnixTimestamp} in object names: not documented (reference/live-api.md 5), so both are read. */
export type Stamp = 's' | 'ms';

export interface FoundStamp {
  /** Null where the template has no {UnixTimestamp}. */
  instant: Instant | null;
  unit: Stamp | null;
  sequence: number | null;
}

interface Part {
  kind: 'text' | 'AppName' | 'StreamName' | 'UnixTimestamp' | 'Sequence';
  text: string;
}

const VARIABLE = /\{(AppName|StreamName|UnixTimestamp|Sequence)\}/;
const MAX_CACHED = 1_000;
const cache = new Map<string, Part[]>();

function partsOf(template: string): Part[] {
  const known = cache.get(template);
  if (known) return known;
  const parts = template
    .split(VARIABLE)
    .map((text, index): Part => (index % 2 === 0 ? { kind: 'text', text } : { kind: text as Part['kind'], text: '' }))
    .filter((part) => part.kind !== 'text' || part.text !== '');
  if (cache.size < MAX_CACHED) cache.set(template, parts);
  return parts;
}

/**
 * Reads time and sequence out of an object name, given whose it is. Null where the template does not render this very name for
 * this stream; whatever is returned renders it again. Where `{Sequence}` and the time have nothing between them, both units of the
 * time may fit: the time nearest `near` counts, a moment soon after the capture.
 */
export function findStamp(
  template: string,
  app: string,
  stream: string,
  object: string,
  near: Instant | null = null,
): FoundStamp | null {
  const parts = partsOf(template);
  let position = 0;
  let stamp: string | null = null;
  let sequence: string | null = null;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!;
    switch (part.kind) {
      case 'text':
      case 'AppName':
      case 'StreamName': {
        const text = part.kind === 'text' ? part.text : part.kind === 'AppName' ? app : stream;
        if (!object.startsWith(text, position)) return null;
        position += text.length;
        break;
      }
      case 'UnixTimestamp': {
        const digits = digitsAt(object, position);
        // Followed at once by {Sequence}: thirteen digits are taken for the time where there are more than that.
        const followed = parts[index + 1]?.kind === 'Sequence';
        const length = followed ? (digits > 13 ? 13 : 10) : digits;
        if ((length !== 10 && length !== 13) || length > digits) return null;
        const text = object.slice(position, position + length);
        if (stamp !== null && stamp !== text) return null;
        stamp = text;
        position += length;
        break;
      }
      case 'Sequence': {
        const digits = digitsAt(object, position);
        const followed = parts[index + 1]?.kind === 'UnixTimestamp';
        const length = followed ? countBeforeTime(object.slice(position, position + digits), near) : digits;
        if (length < 1 || length > 9) return null;
        const text = object.slice(position, position + length);
        if ((text.startsWith('0') && text !== '0') || (sequence !== null && sequence !== text)) return null;
        sequence = text;
        position += length;
        break;
      }
      default:
        return part.kind satisfies never;
    }
  }
  if (position !== object.length) return null;
  if (stamp?.startsWith('0')) return null;
  const unit: Stamp | null = stamp === null ? null : stamp.length === 13 ? 'ms' : 's';
  return {
    instant: stamp === null ? null : instantOf(stamp),
    unit,
    sequence: sequence === null ? null : Number(sequence),
  };
}

/** How many digits count in a run of a number and a time; 0 where it cannot be cut. */
function countBeforeTime(run: string, near: Instant | null): number {
  let time: string | null = null;
  for (const length of [13, 10]) {
    const cut = run.slice(-length);
    if (run.length <= length || run.length > length + 9 || cut.startsWith('0')) continue;
    if (run.startsWith('0') && run.length > length + 1) continue;
    if (time === null || isNearer(instantOf(cut), instantOf(time), near)) time = cut;
  }
  return time === null ? 0 : run.length - time.length;
}

function instantOf(stamp: string): Instant {
  return stamp.length === 13 ? Number(stamp) : Number(stamp) * 1000;
}

/** The inverse of `findStamp`; `stamp` in the unit of the name. */
export function renderName(
  template: string,
  values: { app: string; stream: string; stamp: number; sequence: number },
): string {
  let name = '';
  for (const part of partsOf(template)) {
    switch (part.kind) {
      case 'text':
        name += part.text;
        break;
      case 'AppName':
        name += values.app;
        break;
      case 'StreamName':
        name += values.stream;
        break;
      case 'UnixTimestamp':
        name += values.stamp;
        break;
      case 'Sequence':
        name += values.sequence;
        break;
      default:
        part.kind satisfies never;
    }
  }
  return name;
}

function digitsAt(text: string, position: number): number {
  let end = position;
  while (end < text.length) {
    const unit = text.charCodeAt(end);
    if (unit < 48 || unit > 57) break;
    end++;
  }
  return end - position;
}

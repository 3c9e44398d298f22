import type { Meaning } from './callback-aliases.ts';
import type { ReadCallback } from './callback-body.ts';
import { parseExactly } from './exact-json.ts';
import type { Instant } from './instant.ts';
import { findStamp, renderName, type Stamp } from './object-stamp.ts';
import type { StreamKey } from './stream-key.ts';
import { type InstantForm, writeToldInstant } from './told-instant.ts';

/**
 * What the bodies of one kind have in common. Stored once (`capture_shapes`), so that a capture's row is ids and numbers; row,
 * shape and stream together give back every field that was received.
 */
export interface CaptureShape {
  keys: Partial<Record<Meaning, string>>;
  bucket: string | null;
  endpoint: string | null;
  /** The template that reproduces the object name; null: the row holds the name. */
  template: string | null;
  /** Unit of {UnixTimestamp} in the name. */
  stamp: Stamp | null;
  toldForm: InstantForm | null;
  overlay: boolean | null;
  /** Where `captured_at` comes from. `name-digits`: a plausible number in a name that no template explained. */
  instantFrom: 'name' | 'told' | 'name-digits' | 'receipt';
}

/** What a row holds beside ids and numbers, as JSON text; empty where there is nothing. */
export interface CaptureRest {
  object?: string;
  bucket?: string | null;
  endpoint?: string | null;
  /** What the body said, where it is too far from `captured_at` for `told_ms`. */
  told?: Instant;
  /** Where the delay does not fit `delay_ms`. */
  receivedAt?: Instant;
  fields?: Record<string, unknown>;
}

/** A capture ready to be stored: numbers and texts, no ids yet. */
export interface CaptureRow {
  key: StreamKey;
  capturedAt: Instant;
  delayMs: number;
  discriminator: number;
  shape: CaptureShape;
  toldMs: number;
  /** `CaptureRest` as JSON; empty where there is nothing. Text from the start, for it may hold numbers that JavaScript cannot. */
  rest: string;
}

const INT4_MAX = 2_147_483_647;
const TOLD_MAX_MS = 30_000;

/** `templates`: those that may have named the object, the one in force first. */
export function encodeCapture(callback: ReadCallback, receivedAt: Instant, templates: readonly string[]): CaptureRow {
  const { domain, app, stream, object, told } = callback;
  let template: string | null = null;
  let stamp: Stamp | null = null;
  let sequence: number | null = null;
  let capturedAt: Instant | null = null;
  let instantFrom: CaptureShape['instantFrom'] = 'receipt';
  for (const candidate of templates) {
    const found = findStamp(candidate, app, stream, object, receivedAt);
    if (found === null) continue;
    template = candidate;
    sequence = found.sequence;
    if (found.instant !== null) {
      stamp = found.unit;
      capturedAt = found.instant;
      instantFrom = 'name';
    }
    break;
  }
  if (capturedAt === null && told !== null) {
    capturedAt = told.instant;
    instantFrom = 'told';
  }
  if (capturedAt === null && template === null) {
    capturedAt = digitsOf(object, receivedAt);
    if (capturedAt !== null) instantFrom = 'name-digits';
  }
  if (capturedAt === null) capturedAt = receivedAt;

  let rest: CaptureRest | null = null;
  if (template === null) rest = { object };
  if (callback.extra !== null) rest = { ...rest, fields: callback.extra };
  let toldMs = told === null ? 0 : told.instant - capturedAt;
  if (told !== null && Math.abs(toldMs) > TOLD_MAX_MS) {
    rest = { ...rest, told: told.instant };
    toldMs = 0;
  }
  let delayMs = receivedAt - capturedAt;
  if (Math.abs(delayMs) > INT4_MAX) {
    rest = { ...rest, receivedAt };
    delayMs = delayMs > 0 ? INT4_MAX : -INT4_MAX;
  }
  return {
    key: { domain, app, stream },
    capturedAt,
    delayMs,
    discriminator: sequence ?? discriminatorOf(callback.bucket, object),
    shape: {
      keys: callback.keys,
      bucket: callback.bucket,
      endpoint: callback.endpoint,
      template,
      stamp,
      toldForm: told?.form ?? null,
      overlay: callback.overlay,
      instantFrom,
    },
    toldMs,
    rest: rest === null ? '' : JSON.stringify(rest),
  };
}

/** The inverse, numbers by their digits. */
export function parseRest(text: string): CaptureRest | null {
  return text === '' ? null : (parseExactly(text) as CaptureRest);
}

/**
 * Tells captures of one stream and one instant apart: FNV-1a of bucket and object name as a signed 32-bit number. The same
 * capture gets the same one from every witness.
 */
function discriminatorOf(bucket: string | null, object: string): number {
  let hash = 0x811c9dc5;
  const text = bucket === null ? object : `${bucket}/${object}`;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash | 0;
}

/** A row as it lies in the table. */
export interface StoredRow {
  capturedAt: Instant;
  delayMs: number;
  discriminator: number;
  toldMs: number;
  rest: CaptureRest | null;
}

export interface DecodedCapture {
  object: string;
  bucket: string | null;
  endpoint: string | null;
  /** What the body said, when it said it. */
  told: Instant | null;
  receivedAt: Instant;
  overlay: boolean | null;
}

export function decodeCapture(row: StoredRow, shape: CaptureShape, key: StreamKey): DecodedCapture {
  return {
    object: row.rest?.object ?? objectOf(row, shape, key),
    bucket: row.rest?.bucket !== undefined ? row.rest.bucket : shape.bucket,
    endpoint: row.rest?.endpoint !== undefined ? row.rest.endpoint : shape.endpoint,
    told: shape.toldForm === null ? null : (row.rest?.told ?? row.capturedAt + row.toldMs),
    receivedAt: row.rest?.receivedAt ?? row.capturedAt + row.delayMs,
    overlay: shape.overlay,
  };
}

function objectOf(row: StoredRow, shape: CaptureShape, key: StreamKey): string {
  if (shape.template === null) throw new Error('A capture without template holds its object name; this row does not.');
  return renderName(shape.template, {
    app: key.app,
    stream: key.stream,
    stamp: shape.stamp === 'ms' ? row.capturedAt : Math.floor(row.capturedAt / 1000),
    sequence: row.discriminator,
  });
}

/** The body as it came, field for field. */
export function reproduceBody(row: StoredRow, shape: CaptureShape, key: StreamKey): Record<string, unknown> {
  const decoded = decodeCapture(row, shape, key);
  const body: Record<string, unknown> = Object.create(null);
  const put = (meaning: Meaning, value: unknown) => {
    const name = shape.keys[meaning];
    if (name !== undefined) body[name] = value;
  };
  put('domain', key.domain);
  put('app', key.app);
  put('stream', key.stream);
  put('endpoint', decoded.endpoint);
  put('bucket', decoded.bucket);
  put('object', decoded.object);
  if (shape.toldForm !== null && decoded.told !== null) {
    put('capturedAt', writeToldInstant({ instant: decoded.told, form: shape.toldForm }));
  }
  put('overlay', shape.overlay);
  return Object.assign(body, row.rest?.fields);
}

/** The last ten or thirteen digits of a name that stand alone, where they can be a time; other digits mean something else. */
function digitsOf(object: string, receivedAt: Instant): Instant | null {
  const runs = object.match(/(?<!\d)(?:\d{13}|\d{10})(?!\d)/g);
  const last = runs?.at(-1);
  if (last === undefined) return null;
  const instant = last.length === 13 ? Number(last) : Number(last) * 1000;
  return isPlausible(instant, receivedAt) ? instant : null;
}

/** No capture is older: the product's snapshots start in 2016. */
export const EARLIEST: Instant = Date.UTC(2016, 0, 1);
/** How far ahead of our clock an instant may lie. */
const MAX_AHEAD_MS = 86_400_000;

export function isPlausible(instant: Instant, now: Instant): boolean {
  return instant >= EARLIEST && instant <= now + MAX_AHEAD_MS;
}

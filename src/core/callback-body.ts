import { type AliasTable, MEANINGS, type Meaning } from './callback-aliases.ts';
import { isDeeperThan, parseExactly, parseJson } from './exact-json.ts';
import type { BodyProblem } from './quarantine-reason.ts';
import { readToldInstant, type ToldInstant } from './told-instant.ts';

/** One capture as a body told it. */
export interface ReadCallback {
  domain: string;
  app: string;
  stream: string;
  bucket: string | null;
  endpoint: string | null;
  object: string;
  told: ToldInstant | null;
  overlay: boolean | null;
  /** Which key carried which meaning; what is in neither this nor `extra` was not in the body. */
  keys: Partial<Record<Meaning, string>>;
  /** Fields that the meanings above do not reproduce, exactly as they came (numbers by their digits). */
  extra: Record<string, unknown> | null;
}

/** The names that could be read from a body that was not understood; for people, and to name what was rejected. */
export interface ReadableNames {
  domain: string | null;
  app: string | null;
  stream: string | null;
  object: string | null;
}

export type BodyReading =
  | { ok: true; callbacks: ReadCallback[] }
  | { ok: false; problem: BodyProblem; names: ReadableNames };

export const NO_NAMES: ReadableNames = { domain: null, app: null, stream: null, object: null };

/** Bytes in UTF-8. A domain is at most 253 characters, an app name 255 (AddLiveAppSnapshotConfig), an OSS key 1,023. */
const MAX_BYTES = { domain: 255, app: 255, stream: 512, bucket: 255, endpoint: 255, object: 1023 } as const;
const MAX_ITEMS = 500;
const MAX_DEPTH = 32;
const MAX_PLANS = 1_000;
const CONTROL = /\p{Cc}/u;
type JsonObject = Record<string, unknown>;

interface Plan {
  /** For each meaning the keys of this body that may carry it, best first. */
  candidates: Record<Meaning, string[]>;
  unknownKeys: string[];
}

/**
 * Reads bodies through an alias table. Bodies of one kind have the same keys, so what the keys mean is worked out once a kind
 * and kept (bounded).
 */
export function createBodyReader(aliases: AliasTable): { read(text: string): BodyReading } {
  const plans = new Map<string, Plan>();

  function planFor(body: JsonObject): Plan {
    const keys = Object.keys(body);
    // As JSON, for a key may hold whatever would otherwise part two keys: one body must not pass for another's kind.
    const kind = JSON.stringify(keys);
    const known = plans.get(kind);
    if (known) return known;
    const candidates = Object.fromEntries(
      MEANINGS.map((meaning) => [meaning, aliases[meaning].filter((name) => Object.hasOwn(body, name))]),
    ) as Record<Meaning, string[]>;
    const named = new Set(MEANINGS.flatMap((meaning) => candidates[meaning]));
    const plan = { candidates, unknownKeys: keys.filter((key) => !named.has(key)) };
    if (plans.size < MAX_PLANS && kind.length < 4_096) plans.set(kind, plan);
    return plan;
  }

  return {
    read(text) {
      const value = parseJson(text);
      if (value === undefined) return { ok: false, problem: 'not-json', names: NO_NAMES };
      // Whether one POST may carry several images is not documented: an array is as good as its items.
      const items = Array.isArray(value) ? value : [value];
      if (items.length > MAX_ITEMS) return { ok: false, problem: 'too-many-items', names: NO_NAMES };
      if (items.length === 0) return { ok: false, problem: 'not-an-object', names: NO_NAMES };
      const callbacks: ReadCallback[] = [];
      // Once a body however many items need it: this walks through all of it.
      let exactItems: JsonObject[] | null = null;
      for (let index = 0; index < items.length; index++) {
        const item: unknown = items[index];
        if (typeof item !== 'object' || item === null || Array.isArray(item)) {
          return { ok: false, problem: 'not-an-object', names: NO_NAMES };
        }
        const reading = readOne(item as JsonObject, planFor(item as JsonObject));
        if (!('callback' in reading)) return { ok: false, ...reading };
        const { callback } = reading;
        if (callback.extra !== null) {
          if (exactItems === null) {
            if (isDeeperThan(value, MAX_DEPTH))
              return { ok: false, problem: 'nested-too-deep', names: namesOf(callback) };
            const exact = parseExactly(text);
            exactItems = (Array.isArray(exact) ? exact : [exact]) as JsonObject[];
          }
          const source = exactItems[index]!;
          for (const key of Object.keys(callback.extra)) callback.extra[key] = source[key];
        }
        callbacks.push(callback);
      }
      return { ok: true, callbacks };
    },
  };
}

function readOne(
  body: JsonObject,
  plan: Plan,
): { callback: ReadCallback } | { problem: BodyProblem; names: ReadableNames } {
  const keys: Partial<Record<Meaning, string>> = {};
  const extra: JsonObject = Object.create(null);
  let extras = 0;
  const keep = (key: string) => {
    extra[key] = body[key];
    extras++;
  };

  const name = (meaning: 'domain' | 'app' | 'stream' | 'bucket' | 'endpoint' | 'object'): string | null => {
    let found: string | null = null;
    for (const key of plan.candidates[meaning]) {
      const value = body[key];
      if (found === null && typeof value === 'string' && value !== '') {
        found = value;
        keys[meaning] = key;
        continue;
      }
      // A stream called 123 may come as a number: read it, and keep it as it came.
      if (found === null && Number.isSafeInteger(value)) found = String(value);
      keep(key);
    }
    return found;
  };

  const domain = name('domain');
  const app = name('app');
  const stream = name('stream');
  const object = name('object');
  const names = { domain, app, stream, object };
  if (domain === null) return { problem: 'missing-domain', names: storable(names) };
  if (app === null) return { problem: 'missing-app', names: storable(names) };
  if (stream === null) return { problem: 'missing-stream', names: storable(names) };
  if (object === null) return { problem: 'missing-object', names: storable(names) };
  const bucket = name('bucket');
  const endpoint = name('endpoint');
  for (const [meaning, value] of Object.entries({ domain, app, stream, bucket, endpoint, object })) {
    if (value === null) continue;
    const limit = MAX_BYTES[meaning as keyof typeof MAX_BYTES];
    // One UTF-16 unit is at most three bytes: most names need no counting.
    if (value.length * 3 > limit && Buffer.byteLength(value) > limit) {
      return { problem: 'name-too-long', names: storable(names) };
    }
    if (CONTROL.test(value) || !value.isWellFormed()) {
      return { problem: 'name-with-control-characters', names: storable(names) };
    }
  }

  let told: ToldInstant | null = null;
  for (const key of plan.candidates.capturedAt) {
    const reading: ToldInstant | null = told === null ? readToldInstant(body[key]) : null;
    if (reading === null) keep(key);
    else {
      told = reading;
      keys.capturedAt = key;
    }
  }
  let overlay: boolean | null = null;
  for (const key of plan.candidates.overlay) {
    const value = body[key];
    if (overlay === null && typeof value === 'boolean') {
      overlay = value;
      keys.overlay = key;
      continue;
    }
    if (overlay === null && (value === 'true' || value === 1)) overlay = true;
    else if (overlay === null && (value === 'false' || value === 0)) overlay = false;
    keep(key);
  }
  for (const key of plan.unknownKeys) keep(key);
  return {
    callback: {
      domain,
      app,
      stream,
      bucket,
      endpoint,
      object,
      told,
      overlay,
      keys,
      extra: extras === 0 ? null : extra,
    },
  };
}

function namesOf(callback: ReadCallback): ReadableNames {
  return { domain: callback.domain, app: callback.app, stream: callback.stream, object: callback.object };
}

/** Between two characters, never within one. */
function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}

/** Names that a text column and its index can hold, cut to the longest that an object can have; null for the others. */
function storable(names: ReadableNames): ReadableNames {
  const clean = (value: string | null) =>
    value === null || CONTROL.test(value) || !value.isWellFormed() ? null : cutToBytes(value, MAX_BYTES.object);
  return {
    domain: clean(names.domain),
    app: clean(names.app),
    stream: clean(names.stream),
    object: clean(names.object),
  };
}

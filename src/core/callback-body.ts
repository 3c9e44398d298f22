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
  /** Which key carried which meaning; what is in neither this nor `extra` was not in the body. Shared by bodies of one kind. */
  keys: Readonly<Partial<Record<Meaning, string>>>;
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

/** What the keys of one kind of body mean. */
interface Plan {
  /** The keys of the body, in its order. */
  names: readonly string[];
  /** For each meaning the keys that may carry it, best first. */
  candidates: Record<Meaning, readonly string[]>;
  /** The best key for each meaning, which nearly always carries it. */
  keys: Partial<Record<Meaning, string>>;
  unknownKeys: readonly string[];
}

/**
 * Reads bodies through an alias table. Bodies of one kind have the same keys, so what the keys mean is worked out once a kind
 * and kept (bounded).
 */
export function createBodyReader(aliases: AliasTable): { read(text: string): BodyReading } {
  const plans = new Map<string, Plan>();
  let lastPlan: Plan | null = null;

  function planFor(body: JsonObject): Plan {
    const names = Object.keys(body);
    // One body is nearly always of the kind of the one before it.
    if (lastPlan !== null && areSame(lastPlan.names, names)) return lastPlan;
    // As JSON, for a key may hold whatever would otherwise part two keys: one body must not pass for another's kind.
    const kind = JSON.stringify(names);
    lastPlan = plans.get(kind) ?? null;
    if (lastPlan !== null) return lastPlan;
    const candidates = Object.fromEntries(
      MEANINGS.map((meaning) => [meaning, aliases[meaning].filter((name) => Object.hasOwn(body, name))]),
    ) as Record<Meaning, string[]>;
    const named = new Set(MEANINGS.flatMap((meaning) => candidates[meaning]));
    const plan = {
      names,
      candidates,
      keys: Object.fromEntries(
        MEANINGS.filter((meaning) => candidates[meaning].length > 0).map((meaning) => [
          meaning,
          candidates[meaning][0]!,
        ]),
      ),
      unknownKeys: names.filter((name) => !named.has(name)),
    };
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
  const fields = new BodyFields(body, plan);
  const domain = fields.name('domain');
  const app = fields.name('app');
  const stream = fields.name('stream');
  const object = fields.name('object');
  if (domain === null || app === null || stream === null || object === null) {
    const missing = domain === null ? 'domain' : app === null ? 'app' : stream === null ? 'stream' : 'object';
    return { problem: `missing-${missing}`, names: storable({ domain, app, stream, object }) };
  }
  const bucket = fields.name('bucket');
  const endpoint = fields.name('endpoint');
  if (
    isTooLong(domain, 'domain') ||
    isTooLong(app, 'app') ||
    isTooLong(stream, 'stream') ||
    isTooLong(object, 'object') ||
    (bucket !== null && isTooLong(bucket, 'bucket')) ||
    (endpoint !== null && isTooLong(endpoint, 'endpoint'))
  ) {
    return { problem: 'name-too-long', names: storable({ domain, app, stream, object }) };
  }
  // All at once, with something between them: two halves of a pair must not make a whole.
  if (!isClean(`${domain}/${app}/${stream}/${object}/${bucket}/${endpoint}`)) {
    return { problem: 'name-with-control-characters', names: storable({ domain, app, stream, object }) };
  }
  const told = fields.told();
  const overlay = fields.overlay();
  for (const key of plan.unknownKeys) fields.keep(key);
  const { keys, extra } = fields;
  return { callback: { domain, app, stream, bucket, endpoint, object, told, overlay, keys, extra } };
}

/** Takes the meanings out of one body, one after the other, and notes what they leave over. */
class BodyFields {
  keys: Partial<Record<Meaning, string>>;
  extra: JsonObject | null = null;
  readonly #body: JsonObject;
  readonly #plan: Plan;

  constructor(body: JsonObject, plan: Plan) {
    this.#body = body;
    this.#plan = plan;
    this.keys = plan.keys;
  }

  keep(key: string): void {
    this.extra ??= Object.create(null) as JsonObject;
    this.extra[key] = this.#body[key];
  }

  name(meaning: 'domain' | 'app' | 'stream' | 'bucket' | 'endpoint' | 'object'): string | null {
    let found: string | null = null;
    let carrier: string | undefined;
    for (const key of this.#plan.candidates[meaning]) {
      const value = this.#body[key];
      if (found === null && typeof value === 'string' && value !== '') {
        found = value;
        carrier = key;
        continue;
      }
      // A stream called 123 may come as a number: read it, and keep it as it came.
      if (found === null && Number.isSafeInteger(value)) found = String(value);
      this.keep(key);
    }
    this.#carriedBy(meaning, carrier);
    return found;
  }

  told(): ToldInstant | null {
    let told: ToldInstant | null = null;
    let carrier: string | undefined;
    for (const key of this.#plan.candidates.capturedAt) {
      const reading: ToldInstant | null = told === null ? readToldInstant(this.#body[key]) : null;
      if (reading === null) this.keep(key);
      else {
        told = reading;
        carrier = key;
      }
    }
    this.#carriedBy('capturedAt', carrier);
    return told;
  }

  overlay(): boolean | null {
    let overlay: boolean | null = null;
    let carrier: string | undefined;
    for (const key of this.#plan.candidates.overlay) {
      const value = this.#body[key];
      if (overlay === null && typeof value === 'boolean') {
        overlay = value;
        carrier = key;
        continue;
      }
      if (overlay === null && (value === 'true' || value === 1)) overlay = true;
      else if (overlay === null && (value === 'false' || value === 0)) overlay = false;
      this.keep(key);
    }
    this.#carriedBy('overlay', carrier);
    return overlay;
  }

  /** The plan's own keys belong to all bodies of the kind: where this one differs, it gets its own. */
  #carriedBy(meaning: Meaning, key: string | undefined): void {
    if (this.keys[meaning] === key) return;
    this.keys = { ...this.keys };
    if (key === undefined) delete this.keys[meaning];
    else this.keys[meaning] = key;
  }
}

function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, index) => text === others[index]);
}

function isTooLong(value: string, name: keyof typeof MAX_BYTES): boolean {
  // One UTF-16 unit is at most three bytes: most names need no counting.
  return value.length * 3 > MAX_BYTES[name] && Buffer.byteLength(value) > MAX_BYTES[name];
}

function isClean(text: string): boolean {
  return !CONTROL.test(text) && text.isWellFormed();
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
    value === null || !isClean(value) ? null : cutToBytes(value, MAX_BYTES.object);
  return {
    domain: clean(names.domain),
    app: clean(names.app),
    stream: clean(names.stream),
    object: clean(names.object),
  };
}

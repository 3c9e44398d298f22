import type { Mode } from './capture.ts';
import { type Instant, isNearer } from './instant.ts';

export type TemplateVariable = 'AppName' | 'StreamName' | 'UnixTimestamp' | 'Sequence';

const VARIABLES: readonly TemplateVariable[] = ['AppName', 'StreamName', 'UnixTimestamp', 'Sequence'];
const VARIABLE = /\{(AppName|StreamName|UnixTimestamp|Sequence)\}/;
const MOST_CANDIDATES = 64;
const MOST_CACHED_PATTERNS = 2_000;

/** What an object name says of the capture; fields are null where the template has no such variable. */
export interface NameReading {
  /** The instant in the name: whole seconds, or milliseconds. */
  capturedAt: Instant | null;
  /** The vendor does not say which one `{UnixTimestamp}` is (reference/live-api.md 5): 10 digits are s, 13 are ms. */
  timestampUnit: 's' | 'ms' | null;
  sequence: number | null;
}

export interface NameCandidate extends NameReading {
  app: string | null;
  stream: string | null;
}

export interface NameValues {
  app: string;
  stream: string;
  /** As it is to be written, 10 or 13 digits. */
  unixTimestamp?: number | undefined;
  sequence?: number | undefined;
}

/** Keys of one stream between two instants, as one stretch of a listing. */
export interface KeyRange {
  prefix: string;
  /** Exclusive, as OSS has it: list from the first key after this one. */
  startAfter: string;
  /** The first key (in `compareKeys` order) that is certainly past the range: stop there. */
  endBefore: string;
}

/** A compiled object-name template of the vendor. */
export interface Template {
  readonly text: string;
  readonly mode: Mode;
  /** Throws RangeError where a variable of the template is not given. */
  render(values: NameValues): string;
  /**
   * Reads a name given whose it is; null where the template cannot have rendered it for this stream. Where `{Sequence}` and the time
   * have nothing between them, both units of the time may fit: the reading nearest `near` counts, a moment soon after the capture.
   */
  match(key: string, app: string, stream: string, near?: Instant | null): NameReading | null;
  /** Every app and stream that the name could be of, the longest stream name first; at most 64. */
  candidates(key: string): NameCandidate[];
  /** The longest text that all names of one stream begin with. */
  streamPrefix(app: string, stream: string): string;
  /** The longest text that all names begin with (of one app, where it is given). */
  staticPrefix(app?: string): string;
  /** Keys of one stream sort by time, so that a span of time is one stretch of a listing. */
  readonly sortsByTime: boolean;
  /** The time comes before the stream: one listing of a span of time holds all streams. */
  readonly timeBeforeStream: boolean;
  readonly hasTimestamp: boolean;
  /** All captures of a stream have one name. */
  readonly isOneName: boolean;
  /** The keys of captures of `[from, to)`; null where names do not sort by time. */
  keyRange(app: string, stream: string, from: Instant, to: Instant): KeyRange | null;
}

type Part = { text: string; variable: null } | { text: ''; variable: TemplateVariable };

/** Text in braces that is no variable of the vendor's is taken as it stands; `validateTemplate` complains of it. */
export function compileTemplate(text: string, mode: Mode): Template {
  const parts = partsOf(text);
  const first = (variable: TemplateVariable) => {
    const index = parts.findIndex((part) => part.variable === variable);
    return index < 0 ? Number.POSITIVE_INFINITY : index;
  };
  const timeIndex = first('UnixTimestamp');
  const sortsByTime = timeIndex < first('Sequence') && Number.isFinite(timeIndex);
  const timeBeforeStream = sortsByTime && timeIndex < Math.min(first('StreamName'), first('AppName'));
  const patterns = new Map<string, RegExp[]>();
  const repeated = VARIABLES.filter((name) => parts.filter(({ variable }) => variable === name).length > 1);

  const stamps = hasCountBeforeTime(parts) ? ['\\d{10}', '\\d{13}'] : ['\\d{13}|\\d{10}'];
  const patternsOf = (app: string, stream: string): RegExp[] => {
    const id = `${app}\n${stream}`;
    let own = patterns.get(id);
    if (!own) {
      if (patterns.size >= MOST_CACHED_PATTERNS) patterns.clear();
      own = stamps.map((stamp) => buildPattern(parts, app, stream, stamp));
      patterns.set(id, own);
    }
    return own;
  };
  const streamPrefix = (app: string, stream: string) =>
    prefixUntil(parts, { AppName: app, StreamName: stream, UnixTimestamp: null, Sequence: null });

  return {
    text,
    mode,
    sortsByTime,
    timeBeforeStream,
    hasTimestamp: Number.isFinite(timeIndex),
    isOneName: !Number.isFinite(Math.min(timeIndex, first('Sequence'))),
    render: (values) =>
      parts.map((part) => (part.variable ? renderedValue(part.variable, values) : part.text)).join(''),
    match(key, app, stream, near = null) {
      let best: NameReading | null = null;
      for (const pattern of patternsOf(app, stream)) {
        const found = pattern.exec(key);
        if (!found) continue;
        const reading = readingOf(found.groups?.UnixTimestamp, found.groups?.Sequence);
        if (best === null || isNearer(reading.capturedAt, best.capturedAt, near)) best = reading;
      }
      return best;
    },
    candidates(key) {
      return cutsOf(parts, key, repeated)
        .map((values) => ({
          app: values.AppName ?? null,
          stream: values.StreamName ?? null,
          ...readingOf(values.UnixTimestamp, values.Sequence),
        }))
        .sort((a, b) => (b.stream?.length ?? 0) - (a.stream?.length ?? 0));
    },
    streamPrefix,
    staticPrefix: (app) =>
      prefixUntil(parts, { AppName: app ?? null, StreamName: null, UnixTimestamp: null, Sequence: null }),
    keyRange(app, stream, from, to) {
      if (!sortsByTime) return null;
      const prefix = streamPrefix(app, stream);
      // Seconds serve for names in milliseconds too: these are the same ten digits and three more.
      return {
        prefix,
        startAfter: `${prefix}${Math.floor(from / 1_000) - 1}~`,
        endBefore: `${prefix}${Math.ceil(to / 1_000)}`,
      };
    },
  };
}

/** `-` is what the vendor's Update takes to remove a name. */
export function isTemplateDeletion(text: string): boolean {
  return text === '-';
}

/** What the vendor would refuse (reference/live-api.md, section 5), one sentence each; empty where it is fine. */
export function validateTemplate(text: string, mode: Mode): string[] {
  if (isTemplateDeletion(text)) return [];
  const problems: string[] = [];
  if (text === '') return ['is empty'];
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes >= 256) problems.push(`is ${bytes} bytes long; the vendor takes fewer than 256`);
  if (!text.endsWith('.jpg')) problems.push('does not end in .jpg; the vendor writes JPG only');
  if (/^[/\\]/.test(text)) problems.push('begins with / or \\, which OSS forbids');
  const used = new Set<string>();
  for (const [braced, name] of text.matchAll(/\{([^{}]*)\}/g)) {
    if ((VARIABLES as readonly string[]).includes(name!)) used.add(name!);
    else
      problems.push(`has the unknown variable ${braced}; known are ${VARIABLES.map((each) => `{${each}}`).join(', ')}`);
  }
  if (/[{}]/.test(text.replaceAll(/\{[^{}]*\}/g, ''))) problems.push('has a brace without its partner');
  const tellsApart = used.has('UnixTimestamp') || used.has('Sequence');
  if (mode === 'sequence' && !tellsApart) {
    problems.push('has neither {UnixTimestamp} nor {Sequence}; a sequence name needs at least one of them');
  }
  if (mode === 'overwrite' && tellsApart) {
    problems.push('has {UnixTimestamp} or {Sequence}; an overwrite name may only use {AppName} and {StreamName}');
  }
  return problems;
}

function partsOf(text: string): Part[] {
  return text
    .split(VARIABLE)
    .map(
      (piece, index): Part =>
        index % 2 === 0 ? { text: piece, variable: null } : { text: '', variable: piece as TemplateVariable },
    )
    .filter((part) => part.variable !== null || part.text !== '');
}

function renderedValue(variable: TemplateVariable, values: NameValues): string {
  switch (variable) {
    case 'AppName':
      return values.app;
    case 'StreamName':
      return values.stream;
    case 'UnixTimestamp':
      return given(values.unixTimestamp, variable);
    case 'Sequence':
      return given(values.sequence, variable);
    default:
      return variable satisfies never;
  }
}

function given(value: number | undefined, variable: TemplateVariable): string {
  if (value === undefined) throw new RangeError(`the template needs a value for {${variable}}`);
  return String(value);
}

function hasCountBeforeTime(parts: readonly Part[]): boolean {
  return parts.some(({ variable }, index) => variable === 'Sequence' && parts[index + 1]?.variable === 'UnixTimestamp');
}

/** Anchored on the names of app and stream, so that nothing in them can be taken for a variable. */
function buildPattern(parts: readonly Part[], app: string, stream: string, stamp: string): RegExp {
  const seen = new Set<TemplateVariable>();
  const source = parts.map(({ text, variable }) => {
    if (variable === null) return RegExp.escape(text);
    if (variable === 'AppName') return RegExp.escape(app);
    if (variable === 'StreamName') return RegExp.escape(stream);
    if (seen.has(variable)) return `\\k<${variable}>`;
    seen.add(variable);
    return variable === 'UnixTimestamp' ? `(?<UnixTimestamp>${stamp})` : '(?<Sequence>\\d{1,15})';
  });
  return new RegExp(`^${source.join('')}$`, 'u');
}

function readingOf(timestamp: string | undefined, sequence: string | undefined): NameReading {
  const milliseconds = timestamp?.length === 13;
  return {
    capturedAt: timestamp === undefined ? null : Number(timestamp) * (milliseconds ? 1 : 1_000),
    timestampUnit: timestamp === undefined ? null : milliseconds ? 'ms' : 's',
    sequence: sequence === undefined ? null : Number(sequence),
  };
}

/** What each variable may look like where nothing is known; the vendor's rule for apps is in reference/live-api.md 3.1. */
const SHAPES: Record<TemplateVariable, RegExp> = {
  AppName: /^[A-Za-z0-9][\w-]{0,254}$/,
  StreamName: /^.{1,255}$/su,
  UnixTimestamp: /^(?:\d{10}|\d{13})$/,
  Sequence: /^\d{1,15}$/,
};

/** No value is longer, in UTF-16 units. */
const LONGEST: Record<TemplateVariable, number> = { AppName: 255, StreamName: 510, UnixTimestamp: 13, Sequence: 15 };

/**
 * Tries every way of cutting the key along the template. What leads nowhere is tried once, whatever came before it: a key can be made such
 * that the ways are more than could ever be tried.
 */
function cutsOf(parts: readonly Part[], key: string, repeated: readonly TemplateVariable[]): Record<string, string>[] {
  const found: Record<string, string>[] = [];
  const deadEnds = new Set<string>();
  // What stands before matters only where it has to stand there again.
  const placeOf = (index: number, position: number, values: Record<string, string>) =>
    `${index} ${position}${repeated.length > 0 ? JSON.stringify(repeated.map((name) => values[name])) : ''}`;

  function cut(index: number, position: number, values: Record<string, string>): void {
    if (found.length >= MOST_CANDIDATES) return;
    const part = parts[index];
    if (!part) {
      if (position === key.length) found.push(values);
      return;
    }
    const known = part.variable === null ? part.text : values[part.variable];
    if (known !== undefined) {
      if (key.startsWith(known, position)) cut(index + 1, position + known.length, values);
      return;
    }
    if (deadEnds.size > 0 && deadEnds.has(placeOf(index, position, values))) return;
    const before = found.length;
    const variable = part.variable!;
    const next = parts[index + 1];
    const last = Math.min(key.length, position + LONGEST[variable]);
    for (let end = next === undefined ? key.length : position + 1; end <= last; end++) {
      if (next?.variable === null && !key.startsWith(next.text, end)) continue;
      const value = key.slice(position, end);
      if (SHAPES[variable].test(value)) cut(index + 1, end, { ...values, [variable]: value });
    }
    if (found.length === before) deadEnds.add(placeOf(index, position, values));
  }

  cut(0, 0, {});
  return found;
}

function prefixUntil(parts: readonly Part[], known: Record<TemplateVariable, string | null>): string {
  let prefix = '';
  for (const { text, variable } of parts) {
    const piece = variable === null ? text : known[variable];
    if (piece === null) break;
    prefix += piece;
  }
  return prefix;
}

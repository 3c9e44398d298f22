import type { Mode } from './capture.ts';
import type { ConfigVersion } from './config-version.ts';
import type { Instant } from './instant.ts';
import type { StreamKey } from './stream-key.ts';
import { compileTemplate, type NameReading, type Template } from './template.ts';

/** A config's template, and where it holds. */
interface Rule {
  domain: string;
  /** `*` for every app without an entry of its own. */
  app: string;
  bucket: string;
  template: Template;
}

export interface ResolvedName extends NameReading {
  stream: StreamKey;
  template: Template;
}

/** Tells whose capture an object is, by its name and by all templates that any config version ever had. */
export class NameResolver {
  #byBucket = new Map<string, Rule[]>();

  constructor(versions: Iterable<ConfigVersion>) {
    const seen = new Set<string>();
    // In whatever order they are given: the app's own before `*`, and the newest first.
    for (const { domain, app, bucket, sequenceObject, overwriteObject } of [...versions].sort(compareVersions)) {
      const named: [Mode, string | null][] = [
        ['sequence', sequenceObject],
        ['overwrite', overwriteObject],
      ];
      for (const [mode, text] of named) {
        const id = JSON.stringify([domain, app, bucket, mode, text]);
        if (!text || seen.has(id)) continue;
        seen.add(id);
        const rules = this.#byBucket.get(bucket) ?? [];
        this.#byBucket.set(bucket, rules);
        rules.push({ domain, app, bucket, template: compileTemplate(text, mode) });
      }
    }
  }

  /** The buckets that a stream's captures may lie in. */
  bucketsOf(stream: StreamKey): string[] {
    return [...this.#byBucket]
      .filter(([, rules]) => rules.some((rule) => holds(rule, stream)))
      .map(([bucket]) => bucket);
  }

  /** The templates that may have named a stream's objects in a bucket, the app's own before those of `*`. */
  templatesOf(bucket: string, stream: StreamKey): Template[] {
    return (this.#byBucket.get(bucket) ?? []).filter((rule) => holds(rule, stream)).map(({ template }) => template);
  }

  /**
   * Reads a name as one of this stream; null where no template renders it for the stream. A template that finds the time comes
   * first: to one that only counts, ten digits are a number like any other. `near`: as for `Template.match`.
   */
  readAs(stream: StreamKey, bucket: string, object: string, near: Instant | null = null): ResolvedName | null {
    let timeless: ResolvedName | null = null;
    for (const rule of this.#byBucket.get(bucket) ?? []) {
      if (!holds(rule, stream)) continue;
      const reading = rule.template.match(object, stream.app, stream.stream, near);
      if (!reading) continue;
      const read = { stream, template: rule.template, ...reading };
      if (read.capturedAt !== null) return read;
      timeless ??= read;
    }
    return timeless;
  }

  /**
   * Whose object it is. A name may be read in several ways where streams have dashes, digits or slashes in theirs: a known stream comes
   * first, and of several the one with the longest name. Null where no template explains the name: a foreign object. `knownLike`: the
   * known streams of that app and name, for names that do not tell both (null).
   */
  resolve(
    bucket: string,
    object: string,
    isKnown: (stream: StreamKey) => boolean,
    knownLike: (domain: string, app: string | null, stream: string | null) => readonly StreamKey[] = () => [],
  ): ResolvedName | null {
    let best: ResolvedName | null = null;
    let bestIsKnown = false;
    for (const { domain, app, template } of this.#byBucket.get(bucket) ?? []) {
      for (const candidate of template.candidates(object)) {
        const candidateApp = candidate.app ?? (app === '*' ? null : app);
        if (candidateApp !== null && app !== '*' && app !== candidateApp) continue;
        const whole = candidateApp !== null && candidate.stream !== null;
        const stream = whole
          ? { domain, app: candidateApp, stream: candidate.stream! }
          : knownLike(domain, candidateApp, candidate.stream)[0];
        if (!stream) continue;
        const known = !whole || isKnown(stream);
        const better =
          best === null ||
          (known && !bestIsKnown) ||
          (known === bestIsKnown && stream.stream.length > best.stream.stream.length);
        if (!better) continue;
        const { capturedAt, timestampUnit, sequence } = candidate;
        best = { stream, template, capturedAt, timestampUnit, sequence };
        bestIsKnown = known;
      }
    }
    return best;
  }
}

function holds(rule: Rule, stream: StreamKey): boolean {
  return rule.domain === stream.domain && (rule.app === '*' || rule.app === stream.app);
}

function compareVersions(a: ConfigVersion, b: ConfigVersion): number {
  const text = ({ domain, app, bucket, sequenceObject, overwriteObject }: ConfigVersion) =>
    JSON.stringify([domain, app, bucket, sequenceObject, overwriteObject]);
  return Number(a.app === '*') - Number(b.app === '*') || b.validFrom - a.validFrom || (text(a) < text(b) ? -1 : 1);
}

import type { Capture, Mode } from '../core/capture.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { joinCaptures } from '../core/join-captures.ts';
import { objectTemplateOf } from '../core/judge.ts';
import type { StreamKey } from '../core/stream-key.ts';
import { compileTemplate, type Template } from '../core/template.ts';
import type { CallbackWitness } from '../core/witness.ts';
import type { Stretch } from './audit-window-stretch.ts';

export const MODES: readonly Mode[] = ['sequence', 'overwrite'];

/** Templates are few, and compiling one is not free. */
const compiled = new Map<string, Template>();
const MOST_COMPILED = 1_000;

export function templateOf(text: string, mode: Mode): Template {
  const key = `${mode} ${text}`;
  let template = compiled.get(key);
  if (!template) {
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    template = compileTemplate(text, mode);
    compiled.set(key, template);
  }
  return template;
}

/** What one stream's objects are called by the config that it is audited with. */
export class StreamNames {
  readonly #key: StreamKey;
  readonly #config: ConfigVersion;
  readonly #versions: readonly ConfigVersion[];

  constructor(key: StreamKey, config: ConfigVersion, versions: readonly ConfigVersion[]) {
    this.#key = keyOf(key);
    this.#config = config;
    this.#versions = versions.filter((version) => version.bucket === config.bucket);
  }

  /** Of the sequence mode; null where it is off. */
  get template(): Template | null {
    return this.#config.sequenceObject === null ? null : templateOf(this.#config.sequenceObject, 'sequence');
  }

  get #overwrite(): Template | null {
    const { overwriteObject } = this.#config;
    return overwriteObject === null ? null : templateOf(overwriteObject, 'overwrite');
  }

  /**
   * The key that overwrite captures are written to; null where the mode is off, and where its template, against the vendor's rules,
   * gives every capture a name of its own: OSS is not asked for those.
   */
  get overwriteKey(): string | null {
    return this.#overwrite?.isOneName ? this.#overwrite.render(this.#key) : null;
  }

  /** What all names of the stream that OSS is asked for begin with, a mode each. */
  get prefixes(): string[] {
    return [this.template, this.#overwrite].flatMap((template) =>
      template === null || (template.mode === 'overwrite' && !template.isOneName)
        ? []
        : [template.streamPrefix(this.#key.app, this.#key.stream)],
    );
  }

  /** True for a name of the overwrite mode; with that mode alone, every name is one, even a wrong one. */
  isOverwrite(object: string): boolean {
    const overwrite = this.#overwrite;
    if (overwrite === null) return false;
    if (this.template === null) return true;
    const { app, stream } = this.#key;
    if (overwrite.match(object, app, stream) === null) return false;
    return overwrite.isOneName || this.template.match(object, app, stream) === null;
  }

  /** The instant in a name of the sequence mode. `near`: as for `Template.match`. */
  timeOf(object: string, near: Instant): Instant | null {
    return this.template?.match(object, this.#key.app, this.#key.stream, near)?.capturedAt ?? null;
  }

  /** True where some template that the bucket ever had can have rendered the key, for whatever stream. */
  explains(key: string): boolean {
    return this.#versions.some((version) =>
      MODES.some((mode) => {
        const text = objectTemplateOf(version, mode);
        return text !== null && templateOf(text, mode).candidates(key).length > 0;
      }),
    );
  }

  /** Captures of both modes, each in order of time. `unasked`: names that OSS was not asked for. */
  join(callbacks: readonly CallbackWitness[], stretch: Stretch, unasked: ReadonlySet<string>): Record<Mode, Capture[]> {
    const joined: Record<Mode, Capture[]> = { sequence: [], overwrite: [] };
    for (const mode of MODES) {
      if (objectTemplateOf(this.#config, mode) !== null) joined[mode] = this.#joinMode(mode, callbacks, stretch);
    }
    for (const capture of joined.sequence) {
      if (!capture.stored && unasked.has(capture.object)) capture.unlisted = true;
    }
    for (const capture of this.#overwrite?.isOneName ? [] : joined.overwrite) {
      if (!capture.stored) capture.unlisted = true;
    }
    return joined;
  }

  #joinMode(mode: Mode, callbacks: readonly CallbackWitness[], stretch: Stretch): Capture[] {
    const { objects, overwritten, rejected, index } = stretch;
    const mine = (object: string) => this.isOverwrite(object) === (mode === 'overwrite');
    const texts = new Set([objectTemplateOf(this.#config, mode)]);
    for (const version of this.#versions) texts.add(objectTemplateOf(version, mode));
    return joinCaptures(
      {
        callbacks: callbacks.filter((callback) => mine(callback.object)),
        objects: [
          ...objects.filter(({ key }) => mine(key)),
          ...(overwritten && mine(overwritten.key) ? [overwritten] : []),
        ],
        index: index.filter((row) =>
          row.overlay === null ? mine(row.object) : row.overlay === (mode === 'overwrite'),
        ),
        rejected: rejected.filter((request) => mine(request.object)),
      },
      this.#config.bucket,
      this.#key,
      [...texts].flatMap((text) => (text === null ? [] : [templateOf(text, mode)])),
      { mode, intervalMs: this.#config.intervalSeconds * 1_000 },
    );
  }
}

/** The objects of both are found by one listing. */
export function listedAlike(a: ConfigVersion, b: ConfigVersion): boolean {
  return (
    a.bucket === b.bucket &&
    a.endpoint === b.endpoint &&
    a.sequenceObject === b.sequenceObject &&
    a.overwriteObject === b.overwriteObject &&
    // Overwrite captures are told apart by the interval.
    (a.overwriteObject === null || a.intervalSeconds === b.intervalSeconds)
  );
}

export function keyOf({ domain, app, stream }: StreamKey) {
  return { domain, app, stream };
}

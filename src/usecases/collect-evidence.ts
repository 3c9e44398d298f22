import type { Mode } from '../core/capture.ts';
import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { EvidenceLine, EvidenceOf } from '../core/evidence.ts';
import { foreignPrefix } from '../core/foreign-prefix.ts';
import type { Instant } from '../core/instant.ts';
import { capturesOfName, knownTime } from '../core/join-captures.ts';
import type { LifecycleRule } from '../core/judge-capture.ts';
import type { ExcusedSpan } from '../core/judge-state.ts';
import { NameResolver, type ResolvedName } from '../core/name-resolver.ts';
import { mergeSpans, type Span, spansContain } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';
import { EvidenceSorter, type NameGroup } from './evidence-sorter.ts';
import { EvidenceError } from './read-evidence.ts';

export interface ForeignCount {
  bucket: string;
  prefix: string;
  count: number;
}

const MOST_REMEMBERED = 10_000;

/** Evidence as it comes in: what there are few of stays here, the rest is sorted outside of memory. */
export class CollectedEvidence {
  readonly sorter = new EvidenceSorter();
  readonly configs: ConfigVersion[] = [];
  readonly #listed = new Map<string, { bucket: string; prefix: string; spans: Span[] }>();
  /** Of the prefixes: they may be as many as objects that were found to be absent, their lengths are few. */
  readonly #listedLengths = new Set<number>();
  readonly #blind: Span[] = [];
  readonly #unkept: Span[] = [];
  readonly #excused: EvidenceOf<'excused'>[] = [];
  readonly #lifecycle: EvidenceOf<'lifecycle'>[] = [];
  #window: EvidenceOf<'window'> | null = null;
  #resolver: NameResolver | null = null;
  #foreign = new Map<string, ForeignCount>();
  #starts = new Map<number, Instant[]>();
  #inForce = new Map<string, ConfigVersion | null>();

  add(line: EvidenceLine, lineNumber: number): void {
    switch (line.type) {
      case 'window':
        if (this.#window && JSON.stringify(this.#window) !== JSON.stringify(line)) {
          throw new EvidenceError(lineNumber, 'window: there is another window line, and it says otherwise');
        }
        this.#window = line;
        break;
      case 'config': {
        const { type: _type, absent, ...version } = line;
        this.configs.push(absent ? { ...version, absent } : version);
        break;
      }
      case 'session':
        this.sorter.addSession(line);
        break;
      case 'callback':
      case 'object':
      case 'index':
      case 'rejected':
        this.sorter.addWitness(line);
        break;
      case 'listed': {
        const id = `${line.bucket}\n${line.prefix}`;
        const entry = this.#listed.get(id) ?? { bucket: line.bucket, prefix: line.prefix, spans: [] };
        entry.spans.push({ from: line.from, to: line.to });
        this.#listed.set(id, entry);
        this.#listedLengths.add(line.prefix.length);
        break;
      }
      case 'indexed':
        this.sorter.addIndexed(line, line);
        break;
      case 'blind':
        this.#blind.push({ from: line.from, to: line.to });
        break;
      case 'unkept':
        this.#unkept.push({ from: line.from, to: line.to });
        break;
      case 'excused':
        this.#excused.push(line);
        break;
      case 'lifecycle':
        this.#lifecycle.push(line);
        break;
      default:
        line satisfies never;
    }
  }

  window(): EvidenceOf<'window'> | null {
    return this.#window;
  }

  /** To be called once, when every line is in: finds whose captures the names are, and how many objects are nobody's. */
  joinNames(): ForeignCount[] {
    this.#resolver = new NameResolver(this.configs);
    for (const entry of this.#listed.values()) entry.spans = mergeSpans(entry.spans);
    for (const group of this.sorter.names()) this.#joinName(group);
    return [...this.#foreign.values()].sort(
      (a, b) => compareText(a.bucket, b.bucket) || compareText(a.prefix, b.prefix),
    );
  }

  /** Spans in which all keys under that prefix were listed. */
  listedSpans(bucket: string, streamPrefix: string): Span[] {
    const spans: Span[] = [];
    for (const entry of this.#listed.values()) {
      if (entry.bucket === bucket && streamPrefix.startsWith(entry.prefix)) spans.push(...entry.spans);
    }
    return mergeSpans(spans);
  }

  blindSpans(): Span[] {
    return mergeSpans(this.#blind);
  }

  unkeptSpans(): Span[] {
    return mergeSpans(this.#unkept);
  }

  excusedSpans({ domain, app, stream }: StreamKey): ExcusedSpan[] {
    const concerns = (scope: string | null, value: string) => scope === null || scope === value;
    return this.#excused
      .filter((span) => concerns(span.domain, domain) && concerns(span.app, app) && concerns(span.stream, stream))
      .map(({ from, to, reason }) => ({ from, to, reason }))
      .sort((a, b) => a.from - b.from || a.to - b.to || compareText(a.reason, b.reason));
  }

  lifecycleRules(bucket: string): LifecycleRule[] {
    return this.#lifecycle.filter((rule) => rule.bucket === bucket);
  }

  #joinName(group: NameGroup): void {
    const named = new Set([
      ...group.stored.map(({ bucket }) => bucket),
      ...group.callbacks.map(({ callback }) => callback.bucket),
    ]);
    const bucketOf = new Map(group.index.map((each) => [each, this.#bucketOfRow(each, named)]));
    for (const bucket of new Set([...named, ...bucketOf.values()].sort(compareText))) {
      this.#joinNameInBucket(group, bucket, bucketOf);
    }
  }

  /** The vendor's index lines do not say the bucket: that of the config in force then, unless only another one is spoken of. */
  #bucketOfRow({ streamId, row }: NameGroup['index'][number], named: ReadonlySet<string>): string {
    const inForce = this.#configAt(streamId, row.createdAt)?.bucket;
    if (inForce !== undefined && named.has(inForce)) return inForce;
    const possible = this.#resolver!.bucketsOf(this.sorter.streamOf(streamId));
    return possible.find((each) => named.has(each)) ?? inForce ?? possible[0] ?? [...named].sort(compareText)[0] ?? '';
  }

  #joinNameInBucket(group: NameGroup, bucket: string, bucketOf: Map<NameGroup['index'][number], string>): void {
    const { object } = group;
    const stored = group.stored.findLast((each) => each.bucket === bucket) ?? null;
    const callbacks = group.callbacks.filter((each) => each.callback.bucket === bucket);
    const index = group.index.filter((each) => bucketOf.get(each) === bucket);
    const claimants = new Set([...index, ...callbacks].map(({ streamId }) => streamId));
    const owner = this.#ownerOf(bucket, object, claimants, callbacks);
    if (owner === null) {
      if (stored) this.#countForeign(bucket, object);
      return;
    }
    if (stored) claimants.add(owner);
    for (const streamId of claimants) {
      const rows = index.filter((each) => each.streamId === streamId).map(({ row }) => row);
      const own = callbacks.filter((each) => each.streamId === streamId).map(({ callback }) => callback);
      const witness = stored && streamId === owner ? { ...stored, sizeBytes: stored.size } : null;
      const near = knownTime({ index: rows, stored: witness, callbacks: own });
      const read = this.#resolver!.readAs(this.sorter.streamOf(streamId), bucket, object, near);
      const mode = read ? read.template.mode : this.#modeOfWrongName(streamId, bucket, rows);
      const captures = capturesOfName(
        {
          bucket,
          object,
          callbacks: own,
          stored: witness,
          index: rows,
          rejectedAt: group.rejectedAt,
        },
        read?.capturedAt ?? null,
        { mode, intervalMs: (at) => (this.#configAt(streamId, at)?.intervalSeconds ?? 10) * 1_000 },
      );
      for (const capture of captures) {
        // The judge looks at what was listed for the names of the config in force; of any other name OSS may never have been asked.
        if (!capture.stored && !capture.replaced && !this.#wasListed(bucket, object, capture.at))
          capture.unlisted = true;
        this.sorter.addCapture(streamId, mode, capture);
      }
    }
  }

  /**
   * Whose object it is: of a stream that was told of it and whose template explains it; else of a known stream whose template
   * does (an unsigned callback may claim anything); else of whoever was told of it (a wrong name); else of a stream nobody knew.
   */
  #ownerOf(bucket: string, object: string, claimants: Set<number>, callbacks: NameGroup['callbacks']): number | null {
    let owner: number | null = null;
    for (const streamId of claimants) {
      if (!this.#resolver!.readAs(this.sorter.streamOf(streamId), bucket, object)) continue;
      const longer =
        owner === null || this.sorter.streamOf(streamId).stream.length > this.sorter.streamOf(owner).stream.length;
      if (longer) owner = streamId;
    }
    if (owner !== null) return owner;
    const resolved: ResolvedName | null = this.#resolver!.resolve(
      bucket,
      object,
      (stream) => this.sorter.isKnown(stream),
      (domain, app, stream) => this.sorter.knownLike(domain, app, stream),
    );
    if (resolved && this.sorter.isKnown(resolved.stream)) return this.sorter.idOf(resolved.stream);
    const verified = callbacks.find(({ callback }) => callback.verified);
    const [claimant] = claimants;
    return verified?.streamId ?? claimant ?? (resolved ? this.sorter.idOf(resolved.stream) : null);
  }

  #modeOfWrongName(streamId: number, bucket: string, rows: EvidenceOf<'index'>[]): Mode {
    const modes = this.#resolver!.templatesOf(bucket, this.sorter.streamOf(streamId)).map(({ mode }) => mode);
    if (rows.some(({ overlay }) => overlay === true)) return 'overwrite';
    return modes.length > 0 && !modes.includes('sequence') ? 'overwrite' : 'sequence';
  }

  /** The config in force at that moment: that of the session that was under way, if any. */
  #configAt(streamId: number, at: Instant): ConfigVersion | null {
    let starts = this.#starts.get(streamId);
    if (!starts) {
      starts = this.sorter.sessionStarts(streamId);
      this.#starts.set(streamId, starts);
    }
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // Names give whole seconds: a capture of the second of the start is the session's own.
      if (Math.floor(starts[middle]! / 1_000) * 1_000 <= at) low = middle + 1;
      else high = middle;
    }
    const since = starts[low - 1] ?? at;
    const { domain, app } = this.sorter.streamOf(streamId);
    const id = JSON.stringify([domain, app, low === 0 ? at : since]);
    let config = this.#inForce.get(id);
    if (config === undefined) {
      config = configInForce(this.configs, domain, app, since);
      if (this.#inForce.size >= MOST_REMEMBERED) this.#inForce.clear();
      this.#inForce.set(id, config);
    }
    return config;
  }

  #wasListed(bucket: string, object: string, at: number): boolean {
    for (const length of this.#listedLengths) {
      const entry = length <= object.length ? this.#listed.get(`${bucket}\n${object.slice(0, length)}`) : undefined;
      if (entry && spansContain(entry.spans, at)) return true;
    }
    return false;
  }

  #countForeign(bucket: string, object: string): void {
    const prefix = foreignPrefix(object);
    const id = `${bucket}\n${prefix}`;
    const count = this.#foreign.get(id)?.count ?? 0;
    this.#foreign.set(id, { bucket, prefix, count: count + 1 });
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import {
  type AuditStore,
  type AuditTotals,
  type BackfillCost,
  type Buckets,
  type Clock,
  CouldNotLookError,
  type ExcusedStore,
  type LiveApi,
  LiveApiError,
  type SessionStore,
  type StoredCapture,
  type StreamToAudit,
} from '../ports.ts';
import { listingOf, readListing } from './audit-window-listing.ts';
import { createLooks } from './audit-window-looks.ts';
import { StreamAudit } from './audit-window-stream.ts';
import type { RecordedStretch } from './audit-window-stretch.ts';
import type { StreamTerms } from './audit-window-terms.ts';
import { inParallel } from './in-parallel.ts';
import { capturesKeptFrom } from './keep-capture-days.ts';
import { type PlannedListing, planAudit, type StreamToList } from './plan-audit.ts';
import { HEARTBEAT_LAG_MS, rejudgeChangedBlindness } from './rejudge-blindness.ts';

/** The captures that callbacks (or a backfill) left. */
export interface CallbackReads {
  readCallbacks(query: {
    streamId: number;
    from: Instant;
    to: Instant;
    after?: { streamId: number; at: Instant; discriminator: number } | null;
    limit: number;
  }): Promise<StoredCapture[]>;
}

export interface AuditorParts {
  clock: Clock;
  buckets: Buckets;
  live: LiveApi;
  audits: AuditStore;
  sessions: SessionStore;
  captures: CallbackReads;
  excused: ExcusedStore;
  /** Config versions of a domain, oldest first. */
  configVersions(domain: string): Promise<ConfigVersion[]>;
  settleSeconds: number;
  lateAfterSeconds: number;
  /** How many days of captures are kept; null or absent: all. What came before is not judged by the lack of them. */
  captureRetentionDays?: number | null;
  /** Our snapshot callback URL; null where it is not known. */
  callbackUrl: string | null;
  /** Listings under way at once. */
  concurrency?: number;
  onProgress?(progress: AuditProgress): void;
  /** Takes down all that is judged by, for an evidence file. */
  record?: (stretch: RecordedStretch) => Promise<void>;
}

export interface AuditProgress {
  domain: string;
  streamsDone: number;
  streams: number;
  keys: number;
}

export interface AuditRequest {
  domain: string;
  app?: string | null;
  stream?: string | null;
  /** Slots up to here; never later than `settle` ago, which is the default. */
  to?: Instant | null;
  /** Backfill: slots from here on are ours to judge, even where no receiver of ours was alive yet. */
  since?: Instant;
  kind?: 'audit' | 'backfill';
  /** What a backfill did beforehand, for the record. */
  before?: BackfillCost;
  signal?: AbortSignal;
}

export interface AuditOutcome extends AuditTotals {
  auditId: number;
  from: Instant;
  to: Instant;
  seconds: number;
  /** Streams that could not be looked at; their slots are `unknown` until the next audit. */
  failedStreams: number;
  /** One sentence for the person who must act; null where everything was looked at. */
  error: string | null;
  /** Streams that another replica was faster with. */
  overtaken: number;
}

export type Auditor = (request: AuditRequest) => Promise<AuditOutcome>;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Streams that are prepared together: what bounds the memory of an audit besides the listings under way. */
const STREAMS_A_BATCH = 500;
/** Listings under way at once: enough to hide the way to OSS and back behind the work on others. */
const CONCURRENCY = 8;
/** Chunks of a stream that one transaction stores. */
const CHUNKS_A_COMMIT = 4;
/** Captures that are judged in one go where no listing cuts the time into pieces. */
const CAPTURES_A_STRETCH = 20_000;
const HEADS_AN_AUDIT = 500;
/** Captures of streams that no session explains are looked at for so long. */
const STRAY_REACH_MS = 2 * DAY_MS;

/**
 * Audits what is new (and what late evidence touches) of a domain. Two at once are harmless: each stream is stored by
 * compare-and-set, and the slower one stores nothing. Never rejects for what could not be looked at; that is in the outcome.
 */
export function createAuditor(parts: AuditorParts): Auditor {
  return async (request) => {
    const run = new AuditRun(parts, request);
    return run.run();
  };
}

class AuditRun {
  readonly #parts: AuditorParts;
  readonly #request: AuditRequest;
  readonly #now: Instant;
  readonly #to: Instant;
  readonly #totals: AuditTotals = {
    streams: 0,
    listCalls: 0,
    headCalls: 0,
    indexCalls: 0,
    keys: 0,
    captures: 0,
    restored: 0,
  };
  readonly #budget = { headsLeft: HEADS_AN_AUDIT, mayHead: true };
  #failedStreams = 0;
  #overtaken = 0;
  #error: string | null = null;
  #auditId = 0;
  #streams = 0;

  constructor(parts: AuditorParts, request: AuditRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#now = parts.clock.now();
    this.#to = Math.min(request.to ?? Number.POSITIVE_INFINITY, this.#now - parts.settleSeconds * 1_000);
    const { listCalls = 0, indexCalls = 0, keys = 0, restored = 0 } = request.before ?? {};
    Object.assign(this.#totals, { listCalls, indexCalls, keys, restored });
  }

  async run(): Promise<AuditOutcome> {
    const { audits, clock } = this.#parts;
    const { domain, app = null, stream = null, kind = 'audit', before } = this.#request;
    const started = performance.now();
    const secondsSoFar = () => (before?.seconds ?? 0) + (performance.now() - started) / 1_000;
    const startedAt = before?.startedAt ?? this.#now;
    await rejudgeChangedBlindness(audits, this.#now);
    const streams = await audits.streamsToAudit({ domain, app, stream, to: this.#to });
    this.#streams = streams.length;
    const since = (await audits.observedSince()) ?? this.#to;
    const from = streams.reduce((earliest, each) => Math.min(earliest, each.auditedUntil ?? since), this.#to);
    this.#auditId = await audits.begin({ domain, app, kind, from, to: this.#to, startedAt });
    try {
      for (let index = 0; index < streams.length; index += STREAMS_A_BATCH) {
        await this.#auditBatch(streams.slice(index, index + STREAMS_A_BATCH));
      }
    } catch (error) {
      this.#error ??= error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      const seconds = secondsSoFar();
      await audits.finish(this.#auditId, { finishedAt: clock.now(), seconds, error: this.#error, ...this.#totals });
    }
    return {
      auditId: this.#auditId,
      from,
      to: this.#to,
      seconds: secondsSoFar(),
      failedStreams: this.#failedStreams,
      error: this.#error,
      overtaken: this.#overtaken,
      ...this.#totals,
    };
  }

  async #auditBatch(streams: readonly StreamToAudit[]): Promise<void> {
    const ids = streams.map((stream) => stream.id);
    const observedSince = (await this.#parts.audits.observedSince()) ?? Number.NEGATIVE_INFINITY;
    let pending = [...streams];
    let withLate = ids;
    // A stream whose config changed between two sessions takes a round for each config, and one more where late callbacks turn up.
    for (let round = 0; pending.length > 0; round++) {
      const watermarks = await this.#parts.audits.watermarks(ids);
      const late = await this.#parts.audits.lateEvidence(withLate);
      const kept = new Map<number, { at: Instant; state: unknown }>();
      for (const [id, evidence] of late) {
        const state = watermarks.has(id) ? await this.#parts.audits.keptState(id, evidence.from) : null;
        if (state) kept.set(id, state);
      }
      const earliest = pending.reduce(
        (least, { id }) =>
          Math.min(
            least,
            this.#request.since ?? least,
            watermarks.get(id)?.auditedUntil ?? observedSince,
            late.get(id)?.from ?? least,
            kept.get(id)?.at ?? least,
          ),
        this.#to,
      );
      const sessions = await this.#parts.sessions.sessions(ids, Math.max(earliest - HOUR_MS, 0), this.#to);
      const terms: StreamTerms = {
        now: this.#now,
        to: this.#to,
        settleSeconds: this.#parts.settleSeconds,
        lateAfterSeconds: this.#parts.lateAfterSeconds,
        callbackUrl: this.#parts.callbackUrl,
        keptFrom: await capturesKeptFrom(this.#parts.audits, this.#now, this.#parts.captureRetentionDays ?? null),
        // After watermarks and late evidence: whoever changes one of these from now on finds the version to bump, or leaves evidence.
        versions: await this.#parts.configVersions(this.#request.domain),
        unkept: await this.#parts.audits.unkeptSpans(Math.max(earliest - HOUR_MS, 0), this.#now),
        blind: await this.#parts.audits.blindSpans(Math.max(earliest - HOUR_MS, 0), this.#now - HEARTBEAT_LAG_MS),
        excused: await this.#parts.excused.inForce(Math.max(earliest - HOUR_MS, 0), this.#now),
        looks: createLooks(this.#parts, this.#totals, this.#budget),
      };
      const audited: { audit: StreamAudit; secondsOnAir: number; row: StreamToAudit }[] = [];
      for (const row of pending) {
        const evidence = late.get(row.id) ?? null;
        const watermark = watermarks.get(row.id) ?? null;
        const own = sessions.get(row.id) ?? [];
        const firstStart = own[0]?.startedAt ?? this.#to - STRAY_REACH_MS;
        const audit = new StreamAudit(
          {
            stream: row,
            sessions: own,
            since: Math.min(
              Math.max(observedSince, Math.min(firstStart, this.#to)),
              this.#request.since ?? Number.POSITIVE_INFINITY,
            ),
            watermark,
            late: evidence,
            kept: kept.get(row.id) ?? null,
          },
          terms,
        );
        audited.push({ audit, secondsOnAir: row.secondsOnAir, row });
      }
      await this.#auditStreams(audited);
      withLate = audited.filter(({ audit }) => audit.leftLate).map(({ row }) => row.id);
      pending = audited
        .filter(({ audit }) => audit.leftLate || (audit.to < this.#to && audit.until >= audit.to && audit.until > 0))
        .map(({ row }) => row);
      if (round > 100) throw new Error(`the configs of ${this.#request.domain} change too often to audit it in one go`);
    }
  }

  async #auditStreams(audited: { audit: StreamAudit; secondsOnAir: number }[]): Promise<void> {
    const byId = new Map(audited.map(({ audit }) => [audit.stream.id, audit]));
    const toList: StreamToList[] = [];
    const unlisted: StreamAudit[] = [];
    for (const { audit, secondsOnAir } of audited) {
      if (audit.to <= audit.until) continue;
      const entry = listingOf(audit, secondsOnAir);
      if (!entry) unlisted.push(audit);
      else if (entry.startAfter !== null || this.#worthReadingWhole(audit, entry)) toList.push(entry);
    }
    const work = [
      ...planAudit(toList).map((listing) => () => this.#auditListing(listing, byId)),
      ...unlisted.map((audit) => () => this.#auditUnlisted(audit)),
    ];
    await inParallel(work, this.#parts.concurrency ?? CONCURRENCY);
  }

  /** Names without a time are read whole each time: a call a minute of new captures is what that may cost. */
  #worthReadingWhole(audit: StreamAudit, entry: StreamToList): boolean {
    const minutes = (audit.to - audit.until) / MINUTE_MS;
    return minutes >= entry.allKeys / 1_000 || this.#request.kind === 'backfill';
  }

  async #auditListing(listing: PlannedListing, byId: Map<number, StreamAudit>): Promise<void> {
    if (this.#stopped) return;
    const audits = listing.streams.map((stream) => byId.get(stream.streamId)!);
    const chunks = new Map<StreamAudit, number>();
    try {
      const bucket = this.#parts.buckets.open(listing.bucket, listing.endpoint);
      const reading = readListing(listing, {
        bucket,
        streams: audits.map((audit) => ({
          streamId: audit.stream.id,
          key: audit.stream,
          template: audit.template!,
          from: audit.listFrom!,
          to: audit.to,
        })),
        marginMs: audits[0]!.marginMs,
        onPage: (keys) => {
          this.#totals.listCalls++;
          this.#totals.keys += keys;
        },
        signal: this.#request.signal,
      });
      for await (const chunk of reading) {
        const audit = byId.get(chunk.streamId)!;
        const until = Math.min(chunk.until, audit.to);
        if (audit.until >= audit.to || (until <= audit.until && until < audit.to)) continue;
        this.#totals.captures += await audit.advance(chunk.objects, chunk.others, until, chunk.lastKey);
        const taken = (chunks.get(audit) ?? 0) + 1;
        chunks.set(audit, taken);
        if (until >= audit.to || taken % CHUNKS_A_COMMIT === 0) {
          if (!(await this.#commit(audit))) return;
        }
      }
    } catch (error) {
      await this.#giveUp(
        audits.filter((audit) => audit.until < audit.to),
        error,
      );
    }
    this.#done(audits.length);
  }

  /** Overwrite mode, or captures that no session explains: no listing is needed. */
  async #auditUnlisted(audit: StreamAudit): Promise<void> {
    if (this.#stopped) return;
    const stretchMs = stretchOf(audit);
    try {
      do {
        const until = Math.min(audit.to, audit.until + stretchMs);
        this.#totals.captures += await audit.advance([], [], until, null);
        if (!(await this.#commit(audit))) return;
      } while (audit.until < audit.to);
    } catch (error) {
      await this.#giveUp([audit], error);
    }
    this.#done(1);
  }

  async #commit(audit: StreamAudit): Promise<boolean> {
    if (audit.nothingToCommit) return true;
    if (await this.#parts.audits.commit(audit.commit(this.#auditId))) {
      audit.committed();
      return true;
    }
    this.#overtaken++;
    return false;
  }

  async #giveUp(audits: readonly StreamAudit[], error: unknown): Promise<void> {
    // Asked to stop is not "could not look": what is not judged yet is left to the next audit.
    if (this.#stopped) return;
    const sentence = couldNotLook(error);
    if (sentence === null) throw error;
    this.#error ??= sentence;
    this.#failedStreams += audits.length;
    for (const audit of audits) {
      // What was gathered before the failure stands by itself.
      if (!(await this.#commit(audit))) continue;
      // A verdict that was good before is not replaced by "unknown" because it could not be looked at a second time.
      if (audit.again) continue;
      await audit.giveUp(Math.min(audit.to, audit.until + stretchOf(audit)));
      await this.#commit(audit);
    }
  }

  get #stopped(): boolean {
    if (this.#request.signal?.aborted)
      this.#error ??= 'The audit was stopped before its end; the next one goes on from there.';
    return this.#request.signal?.aborted ?? false;
  }

  #done(streams: number): void {
    this.#totals.streams += streams;
    this.#parts.onProgress?.({
      domain: this.#request.domain,
      streamsDone: this.#totals.streams,
      streams: this.#streams,
      keys: this.#totals.keys,
    });
  }
}

/** So much time as one go may judge without running out of memory. */
function stretchOf(audit: StreamAudit): number {
  return Math.max(HOUR_MS, CAPTURES_A_STRETCH * 1_000 * (audit.config?.intervalSeconds ?? 60));
}

/** A sentence where the vendor gave no trustworthy answer; null where it is a fault of ours. */
function couldNotLook(error: unknown): string | null {
  return error instanceof CouldNotLookError || error instanceof LiveApiError ? error.message : null;
}

import { CAPTURE_FLAGS } from '../core/capture-flags.ts';
import { encodeCapture } from '../core/capture-shape.ts';
import { configInForce } from '../core/config-in-force.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { DELIVERY_WINDOW_MS } from '../core/judge-capture.ts';
import type { Span } from '../core/span.ts';
import { compileTemplate, type Template } from '../core/template.ts';
import type {
  AuditStore,
  BackfillCost,
  Buckets,
  Clock,
  IncomingCapture,
  LiveApi,
  SessionStore,
  StreamRow,
} from '../ports.ts';
import type { AuditOutcome, Auditor } from './audit-window.ts';
import { readListing } from './audit-window-listing.ts';
import { capturesKeptFrom } from './keep-capture-days.ts';
import { KEYS_PER_CALL, planAudit } from './plan-audit.ts';

export interface BackfillParts {
  clock: Clock;
  live: LiveApi;
  buckets: Buckets;
  audits: AuditStore;
  sessions: SessionStore;
  /** Says how many of the rows were not there before. */
  captures: { restoreCaptures(rows: IncomingCapture[]): Promise<number> };
  configVersions(domain: string): Promise<ConfigVersion[]>;
  track(options: { from: Instant }): Promise<void>;
  audit: Auditor;
  /** Main streaming domains. */
  domains: readonly string[];
  settleSeconds: number;
  /** How many days of captures are kept; null or absent: all. Nothing is restored of before. */
  captureRetentionDays?: number | null;
}

export interface BackfillRequest {
  domain: string;
  app?: string | null;
  stream?: string | null;
  from: Instant;
  to: Instant;
  signal?: AbortSignal;
  onProgress?(progress: { streams: number; of: number; restored: number }): void;
}

export interface Backfill {
  /** Restores what index and OSS hold of a range, judges it again, and says what it found. */
  range(request: BackfillRequest): Promise<AuditOutcome>;
  /** Fills every outage of ours that is over and was not filled yet; gives back how many. */
  ownOutages(signal?: AbortSignal): Promise<number>;
}

type Cost = Omit<BackfillCost, 'startedAt' | 'seconds'>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The vendor's index can be asked for one year, its publish list for 30 days (reference/live-api.md 3.2, 3.3). */
const INDEX_REACH_MS = 364 * DAY_MS;
const PUBLISH_LIST_REACH_MS = 29 * DAY_MS;
/** Outages older than this are left to a backfill on demand. */
const OUTAGE_REACH_MS = 7 * DAY_MS;
const RESTORED_A_BATCH = 1_000;

/**
 * Fills in what nobody told us: captures that the vendor's index or OSS knows get a row each, marked with its source, and the
 * slots are judged again. Twice is harmless. Throws `CouldNotLookError` (or `LiveApiError`) where index or OSS gave no answer; what
 * was restored before stays.
 */
export function createBackfill(parts: BackfillParts): Backfill {
  /** Domains that are filled for outages that others are not filled for yet. */
  const filledDomains = new Set<string>();

  async function range(request: BackfillRequest): Promise<AuditOutcome> {
    const { domain, app = null, stream = null, signal } = request;
    const now = parts.clock.now();
    const started = performance.now();
    const cost: Cost = { listCalls: 0, indexCalls: 0, keys: 0, restored: 0 };
    const keptFrom = await capturesKeptFrom(parts.audits, now, parts.captureRetentionDays ?? null);
    const from = Math.max(request.from, now - INDEX_REACH_MS, keptFrom);
    const to = Math.min(request.to, now);
    // A publish that was under way at the start began before it.
    const listFrom = Math.max(from - DAY_MS, now - PUBLISH_LIST_REACH_MS);
    if (listFrom < to) {
      cost.indexCalls++;
      const published = await parts.live.publishRecords(domain, listFrom, to);
      await parts.sessions.recordPublishes(
        published.map((publish) => ({ ...publish, domain })),
        now,
      );
    }
    await parts.track({ from });
    const streams = (await parts.sessions.streams(domain)).filter(
      (row) => (app === null || row.app === app) && (stream === null || row.stream === stream),
    );
    const sessions = await parts.sessions.sessions(
      streams.map(({ id }) => id),
      from,
      to,
    );
    const versions = await parts.configVersions(domain);
    const onAir = streams.filter(({ id }) => sessions.has(id));
    for (const [index, row] of onAir.entries()) {
      signal?.throwIfAborted();
      for (const session of sessions.get(row.id)!) {
        const config = configInForce(versions, domain, row.app, session.startedAt);
        if (!config) continue;
        const span = { from: Math.max(from, session.startedAt), to: Math.min(to, session.endedAt ?? to) };
        await restoreFromIndex(row, config, span, cost, signal);
        await restoreFromObjects(row, config, span, cost, signal);
      }
      request.onProgress?.({ streams: index + 1, of: onAir.length, restored: cost.restored });
    }
    await parts.audits.markLate(
      onAir.map(({ id }) => id),
      from,
      'backfilled',
    );
    const before = { ...cost, startedAt: now, seconds: (performance.now() - started) / 1_000 };
    return parts.audit({ domain, app, stream, kind: 'backfill', before, since: from, ...(signal && { signal }) });
  }

  async function restoreFromIndex(
    stream: StreamRow,
    config: ConfigVersion,
    span: Span,
    cost: Cost,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for await (const rows of parts.live.snapshotRecords(stream, span.from, span.to)) {
      signal?.throwIfAborted();
      cost.indexCalls++;
      cost.restored += await restore(
        rows.map((row) => captureOf(stream, config, row.object, { createdAt: row.createdAt, overlay: row.overlay })),
        CAPTURE_FLAGS.fromIndex,
      );
    }
  }

  async function restoreFromObjects(
    stream: StreamRow,
    config: ConfigVersion,
    span: Span,
    cost: Cost,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (config.sequenceObject === null) return;
    const template: Template = compileTemplate(config.sequenceObject, 'sequence');
    const keys = template.keyRange(stream.app, stream.stream, span.from, span.to);
    const prefix = keys?.prefix ?? template.streamPrefix(stream.app, stream.stream);
    const [listing] = planAudit([
      {
        streamId: stream.id,
        bucket: config.bucket,
        endpoint: config.endpoint,
        prefix,
        sharedPrefix: prefix,
        startAfter: keys?.startAfter ?? null,
        keysLieTogether: true,
        newKeys: KEYS_PER_CALL,
        allKeys: KEYS_PER_CALL,
      },
    ]);
    const chunks = readListing(listing!, {
      bucket: parts.buckets.open(config.bucket, config.endpoint),
      streams: [{ streamId: stream.id, key: stream, template, ...span }],
      marginMs: 0,
      onPage: (keys) => {
        cost.listCalls++;
        cost.keys += keys;
      },
      signal,
    });
    for await (const { objects } of chunks) {
      const rows = objects
        .filter(({ lastModified }) => template.hasTimestamp || lastModified < span.to)
        .map((object) => captureOf(stream, config, object.key, { createdAt: object.lastModified, overlay: null }));
      cost.restored += await restore(rows, CAPTURE_FLAGS.fromObject);
    }
  }

  async function restore(rows: ReturnType<typeof captureOf>[], flags: number): Promise<number> {
    let restored = 0;
    for (let start = 0; start < rows.length; start += RESTORED_A_BATCH) {
      const batch = rows.slice(start, start + RESTORED_A_BATCH);
      restored += await parts.captures.restoreCaptures(batch.map((row) => ({ ...row, flags, deliveries: 0 })));
    }
    return restored;
  }

  async function ownOutages(signal?: AbortSignal): Promise<number> {
    const since = await parts.audits.observedSince();
    if (since === null) return 0;
    const now = parts.clock.now();
    const from = Math.max(since, now - OUTAGE_REACH_MS);
    // Only what is over, and long enough ago for the vendor's own retries and lists to have settled.
    const settled = now - parts.settleSeconds * 1_000 - DELIVERY_WINDOW_MS;
    const filled = await parts.audits.backfilledSpans(from);
    const open = (await parts.audits.blindSpans(from, now)).filter(
      (span) => span.to < settled && !filled.some((each) => each.from <= span.from && each.to >= span.to),
    );
    let done = 0;
    let fault: unknown = null;
    for (const span of open) {
      let whole = true;
      for (const domain of parts.domains) {
        const name = JSON.stringify([domain, span.to]);
        if (filledDomains.has(name)) continue;
        try {
          const { error } = await range({
            domain,
            from: span.from - DELIVERY_WINDOW_MS,
            to: span.to,
            ...(signal && { signal }),
          });
          // Not filled: the next run tries again.
          if (error === null) filledDomains.add(name);
          else whole = false;
        } catch (error) {
          signal?.throwIfAborted();
          // One domain that cannot be looked at keeps no other from being filled.
          fault ??= error;
          whole = false;
        }
      }
      if (!whole) continue;
      await parts.audits.recordBackfilledSpan(span);
      for (const domain of parts.domains) filledDomains.delete(JSON.stringify([domain, span.to]));
      done++;
    }
    if (fault !== null) throw fault;
    return done;
  }

  return { range, ownOutages };
}

/** A row that says what the vendor's index or a listing says; nobody called us. */
function captureOf(
  { domain, app, stream }: StreamRow,
  config: ConfigVersion,
  object: string,
  seen: { createdAt: Instant; overlay: boolean | null },
) {
  const templates = [config.sequenceObject, config.overwriteObject].filter((text) => text !== null);
  return encodeCapture(
    {
      domain,
      app,
      stream,
      bucket: config.bucket,
      endpoint: config.endpoint,
      object,
      told: { instant: seen.createdAt, form: 'ms-number' },
      overlay: seen.overlay,
      keys: {},
      extra: null,
    },
    seen.createdAt,
    templates,
  );
}

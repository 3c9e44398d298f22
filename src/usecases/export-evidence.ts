import type { ConfigVersion } from '../core/config-version.ts';
import type { EvidenceLine } from '../core/evidence.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { StreamKey } from '../core/stream-key.ts';
import type { AuditStore, StoredSession, StreamCommit, StreamToAudit, Watermark } from '../ports.ts';
import { type AuditorParts, createAuditor } from './audit-window.ts';
import type { RecordedStretch } from './audit-window-stretch.ts';
import { capturesKeptFrom } from './keep-capture-days.ts';
import { HEARTBEAT_LAG_MS } from './rejudge-blindness.ts';

export interface EvidenceRequest {
  domain: string;
  app?: string | null;
  stream?: string | null;
  from: Instant;
  to: Instant;
  signal?: AbortSignal;
}

export interface ExportedEvidence {
  lines: number;
  streams: number;
  /** One sentence where OSS or the index gave no answer: what hangs on it is unknown in the file too. */
  error: string | null;
}

/** Takes one line; resolves when the next one may come. */
export type EvidenceWriter = (line: EvidenceLine) => Promise<void>;

const HOUR_MS = 3_600_000;
/** Captures before the window show the judge the beat on which the window begins: so many intervals of the longest one. */
const CONTEXT_INTERVALS = 128;

/**
 * Writes down all that a judgement of a stretch rests on (DESIGN 2.2): it looks again, as an audit does, and stores nothing. What has
 * changed in OSS since the last audit is judged as it is now.
 */
export function createEvidenceExport(
  parts: AuditorParts,
): (request: EvidenceRequest, write: EvidenceWriter) => Promise<ExportedEvidence> {
  return async (request, write) => {
    const { domain, app = null, stream = null } = request;
    const now = parts.clock.now();
    const knownFrom = Math.max(
      (await parts.audits.observedSince()) ?? Number.NEGATIVE_INFINITY,
      await capturesKeptFrom(parts.audits, now, parts.captureRetentionDays ?? null),
    );
    const from = Math.max(request.from, knownFrom);
    const to = Math.min(request.to, now - parts.settleSeconds * 1_000);
    if (from >= to) {
      throw new RefusalError(
        'bad-parameter',
        'Nothing of this window can be judged: it is too recent, or no evidence of then is kept.',
      );
    }
    const streams = (await parts.sessions.streams(domain)).filter(
      (row) => (app === null || row.app === app) && (stream === null || row.stream === stream),
    );
    // An empty file would be judged clean.
    if (streams.length === 0)
      throw new RefusalError('not-found', 'No such stream was ever seen; names are case-sensitive.');
    let lines = 0;
    const put = async (line: EvidenceLine) => {
      lines++;
      await write(line);
    };
    const versions = await parts.configVersions(domain);
    const longest = versions.reduce((most, version) => Math.max(most, version.intervalSeconds), 10);
    const since = Math.max(from - CONTEXT_INTERVALS * longest * 1_000, knownFrom);

    await putTerms(parts, put, { from, to, now, since, versions });
    const sessions = await parts.sessions.sessions(
      streams.map(({ id }) => id),
      since - HOUR_MS,
      to,
    );
    const toAudit: StreamToAudit[] = [];
    for (const row of streams) {
      const own = sessions.get(row.id);
      if (!own?.some((session) => session.endedAt === null || session.endedAt > since)) continue;
      toAudit.push({ ...row, auditedUntil: null, secondsOnAir: secondsOf(own, to) });
      for (const { startedAt, endedAt } of own) await put({ type: 'session', ...keyOf(row), startedAt, endedAt });
    }
    const recorder = createRecorder(put);
    const audit = createAuditor({
      ...parts,
      audits: scratchStore(parts.audits, toAudit, since),
      // One stream at a time: a file whose lines lie together is easier to read, and to sort.
      concurrency: 1,
      record: recorder,
    });
    const { signal } = request;
    const outcome = await audit({ domain, app, stream, to, ...(signal && { signal }) });
    return { lines, streams: toAudit.length, error: outcome.error };
  };
}

/** What holds for all streams of the file; `since`: from when on captures show the judge the beat. */
async function putTerms(
  parts: AuditorParts,
  put: EvidenceWriter,
  window: { from: Instant; to: Instant; now: Instant; since: Instant; versions: readonly ConfigVersion[] },
): Promise<void> {
  const { from, to, now, since, versions } = window;
  await put({
    type: 'window',
    from,
    to,
    now,
    settleSeconds: parts.settleSeconds,
    lateAfterSeconds: parts.lateAfterSeconds,
    callbackUrl: parts.callbackUrl,
  });
  for (const { absent, ...version } of versions) {
    const callback = version.callback && shownUrl(version.callback);
    await put({ type: 'config', ...version, callback, ...(absent && { absent }) });
  }
  for (const span of await parts.audits.blindSpans(since, now - HEARTBEAT_LAG_MS))
    await put({ type: 'blind', ...span });
  for (const span of await parts.audits.unkeptSpans(since, now)) await put({ type: 'unkept', ...span });
  for (const { from: start, to: end, reason, ...scope } of await parts.excused.inForce(since, now)) {
    await put({
      type: 'excused',
      from: start,
      to: end,
      domain: scope.domain,
      app: scope.app,
      stream: scope.stream,
      reason,
    });
  }
}

/** Writes what a stretch was judged by, each thing once. */
function createRecorder(put: EvidenceWriter): (stretch: RecordedStretch) => Promise<void> {
  const told = new Map<number, { at: Instant; discriminator: number }>();
  const rules = new Set<string>();
  /** Overwrite objects; each is looked at in every stretch. */
  const overwritten = new Set<string>();
  return async (stretch) => {
    const { stream, config } = stretch;
    const key = keyOf(stream);
    const bucket = config?.bucket ?? '';
    const last = told.get(stream.id);
    for (const row of stretch.callbacks) {
      // Stretches overlap; the rows come in the order of their key.
      if (last && (row.at < last.at || (row.at === last.at && row.discriminator <= last.discriminator))) continue;
      told.set(stream.id, row);
      if (row.receivedAt === null) continue;
      const { object, capturedAt, receivedAt, verified } = row;
      await put({ type: 'callback', ...key, bucket: row.bucket ?? bucket, object, capturedAt, receivedAt, verified });
    }
    const objects = [...stretch.objects];
    if (stretch.overwritten && !overwritten.has(stretch.overwritten.key)) {
      overwritten.add(stretch.overwritten.key);
      objects.push(stretch.overwritten);
    }
    for (const { bucket: where, key: name, lastModified, sizeBytes } of objects) {
      await put({ type: 'object', bucket: where, key: name, lastModified, size: sizeBytes });
    }
    for (const { object, createdAt, overlay } of stretch.index) {
      await put({ type: 'index', ...key, object, createdAt, overlay });
    }
    for (const span of stretch.indexed) await put({ type: 'indexed', ...key, ...span });
    for (const { object, receivedAt, reason } of stretch.rejected) {
      await put({ type: 'rejected', object, receivedAt, reason });
    }
    for (const span of stretch.listed) await put({ type: 'listed', bucket, ...span });
    for (const { prefix, days } of stretch.lifecycle) {
      const id = JSON.stringify([bucket, prefix, days]);
      if (rules.has(id)) continue;
      rules.add(id);
      await put({ type: 'lifecycle', bucket, prefix, days });
    }
  };
}

/** An audit store that looks where the real one looks, begins at `since`, and keeps watermarks only for as long as it lives. */
function scratchStore(real: AuditStore, streams: readonly StreamToAudit[], since: Instant): AuditStore {
  const kept = new Map<number, Watermark>();
  return {
    streamsToAudit: async () => [...streams],
    observedSince: async () => (Number.isFinite(since) ? since : null),
    capturesKeptSince: () => real.capturesKeptSince(),
    blindSpans: (from, to) => real.blindSpans(from, to),
    unkeptSpans: (from, to) => real.unkeptSpans(from, to),
    rejections: (objects) => real.rejections(objects),
    begin: async () => 0,
    finish: async () => {},
    watermark: async (streamId) => kept.get(streamId) ?? null,
    watermarks: async (ids) => new Map(ids.flatMap((id) => (kept.has(id) ? [[id, kept.get(id)!] as const] : []))),
    keptState: async () => null,
    judgedBetween: async () => ({ gaps: [], hours: [] }),
    lateEvidence: async () => new Map(),
    markLate: async () => {},
    commit: async ({ streamId, watermark, expectedVersion }: StreamCommit) => {
      kept.set(streamId, { ...structuredClone(watermark), version: expectedVersion + 1 });
      return true;
    },
    // As they stand: nothing changed.
    judgedBlindSpans: async () => [],
    replaceJudgedBlindSpans: async () => {},
    backfilledSpans: async () => [],
    recordBackfilledSpan: async () => {},
    slotsBetween: (scope, from, to) => real.slotsBetween(scope, from, to),
    prune: async () => {},
  };
}

function keyOf({ domain, app, stream }: StreamKey): StreamKey {
  return { domain, app, stream };
}

function secondsOf(sessions: readonly StoredSession[], to: Instant): number {
  return sessions.reduce((sum, { startedAt, endedAt }) => sum + Math.max(0, (endedAt ?? to) - startedAt) / 1_000, 0);
}

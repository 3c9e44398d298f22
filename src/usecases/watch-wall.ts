import type { Instant } from '../core/instant.ts';
import { STREAM_STATUSES, type StreamStatus } from '../core/stream-status.ts';
import { STRIP_LETTERS } from '../core/strip-letters.ts';
import type { Cause, Verdict } from '../core/verdict.ts';
import { worstFirst } from '../core/wall-order.ts';
import type { AuditRead, Clock, LiveIncident, WallReads } from '../ports.ts';
import type { Queries } from './query-history.ts';
import type { StreamView } from './query-streams.ts';

/** How many hours the strip of a stream shows, the running one included. */
const STRIP_HOURS = 24;

/** One stream as the wall shows it. */
export interface WallStream extends Pick<StreamView, 'domain' | 'app' | 'stream' | 'status' | 'lastCaptureAt'> {
  intervalSeconds: number | null;
  /** Start of what goes on wrong now, and what it is. */
  gap: { from: Instant; slots: number; verdict: Verdict; cause: Cause | null } | null;
  /** Good slots / slots that count, of the strip; null where none counts. */
  coverage: number | null;
  /** One character an hour, oldest first: letter of the worst verdict (STRIP_LETTERS), `.` where nothing was due. */
  strip: string;
  /** One digit an hour: how many ninths of its slots are bad. */
  bad: string;
}

/** How we ourselves do. */
export interface OwnHealth {
  aliveUntil: Instant | null;
  databaseDownSince: Instant | null;
  spool: { entries: number; oldestAt: Instant | null } | null;
}

export interface WallSummary {
  at: Instant;
  /** What the settings call the account whose streams these are. */
  account: string | null;
  own: OwnHealth;
  /** Slots since midnight UTC. */
  today: { ok: number; counted: number; excused: number; unknown: number };
  domains: { domain: string; apps: number; streams: number }[];
  /** How many of all streams stand how. */
  statuses: Record<StreamStatus, number>;
  /** The newest audit of each domain, and the newest that was done. */
  audits: {
    domain: string;
    status: AuditRead['status'];
    startedAt: Instant;
    error: string | null;
    doneAt: Instant | null;
  }[];
  incidents: LiveIncident[];
}

export interface WallSnapshot {
  /** Grows with every change. */
  revision: number;
  /** Start of the first hour of the strips. */
  stripFrom: Instant;
  summary: WallSummary;
  streams: WallStream[];
}

export interface WallChange {
  revision: number;
  stripFrom: Instant;
  summary: WallSummary;
  /** Streams that differ from the revision before. Streams are never removed. */
  streams: WallStream[];
}

/** null: there will be no more. */
export type WallListener = (change: WallChange | null) => void;

export interface WallDeps {
  reads: WallReads;
  queries: Queries;
  clock: Clock;
  own: () => OwnHealth;
  account: string | null;
  onError: (error: unknown) => void;
  /** Least milliseconds between two looks at the database. */
  everyMs?: number;
}

interface Strips {
  from: Instant;
  at: Instant;
  byId: Map<number, Pick<WallStream, 'coverage' | 'strip' | 'bad'>>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Looking takes at most this share of the time, however many streams there are. */
const BUSY_SHARE = 1 / 8;
const STRIPS_EVERY_MS = 30_000;
const MOST_STREAMS = 100_000;
const MOST_INCIDENTS = 500;
const RECENT_AUDITS = 200;
/** A snapshot that nobody watches is good enough for the next one who asks for so long; what changed since is told at once. */
const FRESH_MS = 10_000;

/**
 * One look at the database for everyone who watches, and only while somebody does. `snapshot` gives all of it, `subscribe`
 * what changes after.
 */
export function createWall(deps: WallDeps) {
  const { clock, everyMs = 2_000 } = deps;
  const listeners = new Set<WallListener>();
  let latest: WallSnapshot | null = null;
  let texts = new Map<string, string>();
  let strips: Strips | null = null;
  let readingStrips: Promise<Strips> | null = null;
  let looking: Promise<WallSnapshot> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  /** Strips change slowly and are dear: while there are some of this hour, nobody waits for newer ones. */
  async function currentStrips(now: Instant): Promise<Strips> {
    const from = Math.floor(now / HOUR_MS) * HOUR_MS - (STRIP_HOURS - 1) * HOUR_MS;
    if (strips?.from === from && now >= strips.at) {
      if (now - strips.at >= STRIPS_EVERY_MS) readStripsOnce(from, now).catch(deps.onError);
      return strips;
    }
    return readStripsOnce(from, now);
  }

  function readStripsOnce(from: Instant, now: Instant): Promise<Strips> {
    readingStrips ??= readStrips(from, now).finally(() => {
      readingStrips = null;
    });
    return readingStrips;
  }

  async function readStrips(from: Instant, now: Instant): Promise<Strips> {
    const byId = new Map<number, Pick<WallStream, 'coverage' | 'strip' | 'bad'>>();
    for (const row of await deps.reads.strips(from, STRIP_HOURS)) {
      const letters = Array<string>(STRIP_HOURS).fill('.');
      const ninths = Array<string>(STRIP_HOURS).fill('0');
      for (const hour of row.hours) {
        letters[hour.index] = STRIP_LETTERS[hour.verdict];
        ninths[hour.index] = String(hour.ninths);
      }
      const coverage = row.counted === 0 ? null : row.ok / row.counted;
      byId.set(row.streamId, { coverage, strip: letters.join(''), bad: ninths.join('') });
    }
    strips = { from, at: now, byId };
    return strips;
  }

  async function summarize(now: Instant): Promise<Omit<WallSummary, 'statuses'>> {
    const midnight = Math.floor(now / DAY_MS) * DAY_MS;
    const [coverage, domains, audits, incidents] = await Promise.all([
      deps.queries.coverage({ from: midnight, to: now + 1, per: 'total', by: 'all' }),
      deps.queries.domains(),
      deps.queries.audits({ limit: RECENT_AUDITS }),
      deps.reads.liveIncidents(MOST_INCIDENTS),
    ]);
    const slots = coverage.data[0];
    return {
      at: now,
      account: deps.account,
      own: deps.own(),
      today: {
        ok: slots?.slots.ok ?? 0,
        counted: slots?.counted ?? 0,
        excused: slots?.slots.excused ?? 0,
        unknown: slots?.slots.unknown ?? 0,
      },
      domains,
      audits: newestPerDomain([...audits.data, ...(await olderAudits(domains, audits.data))]),
      incidents,
    };
  }

  /** Of domains that are not (or not as done) among the recent ones: those whose audit has stalled. */
  async function olderAudits(domains: WallSummary['domains'], recent: readonly AuditRead[]): Promise<AuditRead[]> {
    const older = domains.map(async ({ domain }) => {
      const own = recent.filter((audit) => audit.domain === domain);
      if (own.some(({ status }) => status === 'done')) return [];
      const ofDomain = { domain: [domain] };
      const [newest, done] = await Promise.all([
        own.length > 0 ? own : deps.queries.audits({ ...ofDomain, limit: 2 }).then(({ data }) => data),
        deps.queries.audits({ ...ofDomain, status: ['done'], limit: 1 }).then(({ data }) => data),
      ]);
      return own.length > 0 ? done : [...newest, ...done];
    });
    return (await Promise.all(older)).flat();
  }

  async function look(): Promise<WallSnapshot> {
    const now = clock.now();
    const [{ data: views }, own, rest] = await Promise.all([
      deps.queries.streams({ limit: MOST_STREAMS }),
      currentStrips(now),
      summarize(now),
    ]);
    const none = { coverage: null, strip: '.'.repeat(STRIP_HOURS), bad: '0'.repeat(STRIP_HOURS) };
    const streams = views.map((view) => wallStream(view, own.byId.get(view.id) ?? none));
    const summary = { ...rest, statuses: countStatuses(streams) };
    const before = latest;
    const moved = before !== null && before.stripFrom !== own.from;
    const changed: WallStream[] = [];
    const written = new Map<string, string>();
    for (const stream of streams) {
      const key = `${stream.domain}\n${stream.app}\n${stream.stream}`;
      const text = JSON.stringify(stream);
      written.set(key, text);
      if (moved || texts.get(key) !== text) changed.push(stream);
    }
    texts = written;
    latest = { revision: (before?.revision ?? 0) + 1, stripFrom: own.from, summary, streams };
    const { revision, stripFrom } = latest;
    if (before) for (const tell of listeners) tell({ revision, stripFrom, summary, streams: changed });
    return latest;
  }

  /** Two who ask at once share one look. */
  function lookOnce(): Promise<WallSnapshot> {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  }

  /** Where the database is away the streams stay as they were, but how we ourselves do is known without it. */
  function tellOwnHealth(): void {
    if (!latest) return;
    const summary = { ...latest.summary, at: clock.now(), own: deps.own() };
    latest = { ...latest, revision: latest.revision + 1, summary };
    const { revision, stripFrom } = latest;
    for (const tell of listeners) tell({ revision, stripFrom, summary, streams: [] });
  }

  function schedule(afterMs: number): void {
    if (timer || closed || listeners.size === 0) return;
    timer = setTimeout(async () => {
      if (listeners.size === 0) {
        timer = null;
        return;
      }
      const startedAt = performance.now();
      await lookOnce().catch((error) => {
        deps.onError(error);
        tellOwnHealth();
      });
      timer = null;
      schedule(Math.max(everyMs, (performance.now() - startedAt) / BUSY_SHARE));
    }, afterMs);
    timer.unref();
  }

  async function snapshot(): Promise<WallSnapshot> {
    const watched = timer !== null && latest !== null;
    const fresh = latest !== null && Math.abs(clock.now() - latest.summary.at) < FRESH_MS;
    return watched || fresh ? latest! : lookOnce();
  }

  return {
    /** Two answers of one revision are the same object. */
    snapshot,
    /** The `most` streams that stand first on the wall, worst first; all else as in `snapshot`. */
    async firstScreen(most: number): Promise<WallSnapshot> {
      const whole = await snapshot();
      const streams = worstFirst(whole.streams).flatMap((group) => group.streams);
      return { ...whole, streams: streams.slice(0, most) };
    },
    /** Until the returned function is called. */
    subscribe(listener: WallListener): () => void {
      if (closed) listener(null);
      else listeners.add(listener);
      schedule(everyMs);
      return () => listeners.delete(listener);
    },
    close(): void {
      closed = true;
      for (const tell of listeners) tell(null);
      listeners.clear();
      if (timer) clearTimeout(timer);
    },
  };
}

export type Wall = ReturnType<typeof createWall>;

function wallStream(view: StreamView, own: Pick<WallStream, 'coverage' | 'strip' | 'bad'>): WallStream {
  const { domain, app, stream, status, lastCaptureAt, intervalSeconds, openGap } = view;
  const gap = openGap && {
    from: openGap.from,
    slots: openGap.slots,
    verdict: openGap.verdict,
    cause: openGap.cause,
  };
  return { domain, app, stream, status, lastCaptureAt, intervalSeconds, gap, ...own };
}

function countStatuses(streams: readonly WallStream[]): Record<StreamStatus, number> {
  const counts = Object.fromEntries(STREAM_STATUSES.map((status) => [status, 0])) as Record<StreamStatus, number>;
  for (const { status } of streams) counts[status]++;
  return counts;
}

function newestPerDomain(audits: readonly AuditRead[]): WallSummary['audits'] {
  const byDomain = new Map<string, WallSummary['audits'][number]>();
  for (const { domain, status, startedAt, error, finishedAt } of audits) {
    const doneAt = status === 'done' ? finishedAt : null;
    const entry = byDomain.get(domain);
    if (!entry) byDomain.set(domain, { domain, status, startedAt, error, doneAt });
    // A running audit says nothing yet: what the one before said stands.
    else if (entry.status === 'running') Object.assign(entry, { status, error, doneAt });
    else entry.doneAt ??= doneAt;
  }
  return [...byDomain.values()];
}

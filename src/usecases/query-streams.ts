import type { ConfigVersion } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import type { StreamKey } from '../core/stream-key.ts';
import { type StreamStatus, streamStatus } from '../core/stream-status.ts';
import type { Cause, Verdict } from '../core/verdict.ts';
import type { Clock, ConfigReads, KnownStream, ScopeFilter, StoredExcusedSpan, StreamReads } from '../ports.ts';
import { isText, type Page, type PageWords, readPage } from './query-paging.ts';

export interface StreamView extends StreamKey {
  id: number;
  firstSeenAt: Instant;
  status: StreamStatus;
  onAir: boolean;
  /** Start and end of the newest session. */
  startedAt: Instant | null;
  endedAt: Instant | null;
  /** Of the config in force for that session; null where nothing is expected. */
  intervalSeconds: number | null;
  lastCaptureAt: Instant | null;
  openGap: { from: Instant; to: Instant; slots: number; verdict: Verdict; cause: Cause | null } | null;
  /** Why the stream is in maintenance or paused, and until when. */
  excused: { to: Instant; reason: string } | null;
  auditedUntil: Instant | null;
}

export type StreamWords = PageWords & ScopeFilter & { status?: readonly StreamStatus[] | undefined };

export interface StreamQueryDeps {
  reads: StreamReads & ConfigReads;
  clock: Clock;
  /** How long after its due time a capture may still be on its way. */
  graceSeconds: number;
}

/** A page that filters by status looks at so many streams at once. */
const STATUS_BATCH = 500;

export function streamQueries({ reads, clock, graceSeconds }: StreamQueryDeps) {
  async function describe(streams: readonly KnownStream[]): Promise<StreamView[]> {
    if (streams.length === 0) return [];
    const now = clock.now();
    const [standings, versions, excused, aliveUntil] = await Promise.all([
      reads.standings(streams.map((stream) => stream.id)),
      reads.configVersions({}),
      reads.excusedSpans(now, now + 1),
      reads.receiverAliveUntil(),
    ]);
    const inForce = configLookup(versions);
    return streams.map((stream) => {
      const standing = standings.get(stream.id);
      const session = standing?.session ?? null;
      const config = session ? inForce(stream.domain, stream.app, session.startedAt) : null;
      const span = excused.find((each) => covers(each, stream)) ?? null;
      const facts = {
        session,
        intervalSeconds: config?.intervalSeconds ?? null,
        lastCaptureAt: standing?.lastCaptureAt ?? null,
        openGap: standing?.openGap ?? null,
        excused: span,
        aliveUntil,
      };
      return {
        ...stream,
        status: streamStatus(facts, { now, graceSeconds }),
        onAir: session !== null && (session.endedAt === null || session.endedAt > now),
        startedAt: session?.startedAt ?? null,
        endedAt: session?.endedAt ?? null,
        intervalSeconds: facts.intervalSeconds,
        lastCaptureAt: facts.lastCaptureAt,
        openGap: facts.openGap,
        excused: span && { to: span.to, reason: span.reason },
        auditedUntil: standing?.auditedUntil ?? null,
      };
    });
  }

  return {
    /** By domain, app, stream. */
    streams(words: StreamWords): Promise<Page<StreamView>> {
      const { status } = words;
      return readPage<StreamView, [string, string, string]>({
        list: 'streams',
        words,
        isPlace: (values): values is [string, string, string] => values.length === 3 && values.every(isText),
        placeOf: (row) => [row.domain, row.app, row.stream],
        read: async (place, limit) => {
          let after = place && { domain: place[0], app: place[1], stream: place[2] };
          if (!status) return describe(await reads.streams({ filter: words, after, limit }));
          const found: StreamView[] = [];
          for (;;) {
            const batch = await reads.streams({ filter: words, after, limit: STATUS_BATCH });
            const views = await describe(batch);
            found.push(...views.filter((view) => status.includes(view.status)));
            after = batch.at(-1) ?? null;
            if (found.length >= limit || batch.length < STATUS_BATCH) return found.slice(0, limit);
          }
        },
      });
    },

    /** Null where it was never seen. */
    async stream(key: StreamKey): Promise<StreamView | null> {
      const filter = { domain: [key.domain], app: [key.app], stream: [key.stream] };
      const [view] = await describe(await reads.streams({ filter, after: null, limit: 1 }));
      return view ?? null;
    },

    /** How many streams stand how, over the whole scope. */
    async statusCounts(filter: ScopeFilter): Promise<Record<StreamStatus, number>> {
      const counts = { on_time: 0, late: 0, gap: 0, offline: 0, paused: 0, maintenance: 0, unknown: 0 };
      let after: StreamKey | null = null;
      for (;;) {
        const batch: KnownStream[] = await reads.streams({ filter, after, limit: STATUS_BATCH });
        for (const view of await describe(batch)) counts[view.status]++;
        after = batch.at(-1) ?? null;
        if (batch.length < STATUS_BATCH) return counts;
      }
    },

    domains: () => reads.domains(),
    apps: (filter: ScopeFilter) => reads.apps(filter),
  };
}

/** The version that stood at the instant, per (domain, app), an app's own before the domain's `*`; null where none did. */
export function configLookup<Version extends ConfigVersion>(
  versions: readonly Version[],
): (domain: string, app: string, at: Instant) => Version | null {
  const byApp = new Map<string, Version[]>();
  for (const version of versions.toSorted((a, b) => a.validFrom - b.validFrom)) {
    const key = JSON.stringify([version.domain, version.app]);
    byApp.set(key, [...(byApp.get(key) ?? []), version]);
  }
  return (domain, app, at) => {
    for (const name of [app, '*']) {
      const version = byApp.get(JSON.stringify([domain, name]))?.findLast((each) => each.validFrom <= at);
      if (version && !version.absent) return version;
    }
    return null;
  };
}

export function covers(span: StoredExcusedSpan, stream: StreamKey): boolean {
  return (
    (span.domain === null || span.domain === stream.domain) &&
    (span.app === null || span.app === stream.app) &&
    (span.stream === null || span.stream === stream.stream)
  );
}

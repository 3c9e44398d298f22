import { configInForce } from './config-in-force.ts';
import type { ConfigVersion } from './config-version.ts';
import type { Condition } from './incident.ts';
import type { Instant } from './instant.ts';
import { sameUrl } from './same-url.ts';

interface RunningStream {
  domain: string;
  app: string;
  stream: string;
  startedAt: Instant;
}

/** What is expected of a stream on air. */
export interface Expected {
  intervalSeconds: number;
  /** The version that names our callback URL and holds once the stream is pushed again; null where no such thing is awaited. */
  awaited: ConfigVersion | null;
}

/**
 * What is expected of a running session as of `now`; null where no config expects anything. The versions are few and the
 * streams many: those of an app are looked up once. `callbackUrl` is ours; null: it is not known.
 */
export function expectedLookup(
  versions: readonly ConfigVersion[],
  now: Instant,
  callbackUrl: string | null,
): (session: Omit<RunningStream, 'stream'>) => Expected | null {
  const byApp = new Map<string, { own: ConfigVersion[]; standing: ConfigVersion | null }>();
  return ({ domain, app, startedAt }) => {
    const key = `${domain}\n${app}`;
    let known = byApp.get(key);
    if (!known) {
      const own = versions.filter(
        (version) => version.domain === domain && (version.app === app || version.app === '*'),
      );
      known = { own, standing: configInForce(own, domain, app, now) };
      byApp.set(key, known);
    }
    const inForce = configInForce(known.own, domain, app, startedAt);
    if (inForce === null) return null;
    const isAwaited = !isOurs(inForce, callbackUrl) && isOurs(known.standing, callbackUrl);
    return { intervalSeconds: inForce.intervalSeconds, awaited: isAwaited ? known.standing : null };
  };
}

/** True for a gap whose callbacks went elsewhere though the config that stood at `at` names our URL: the stream was not pushed again since. */
export function isAwaitingPush(
  gap: { domain: string; app: string; cause: string | null },
  versions: readonly ConfigVersion[],
  at: Instant,
  callbackUrl: string | null,
): boolean {
  return gap.cause === 'callback_not_ours' && isOurs(configInForce(versions, gap.domain, gap.app, at), callbackUrl);
}

const SHOWN_STREAMS = 10;

/** One condition per config that streams on air wait for. */
export function conditionsOfAwaiting(
  awaiting: Iterable<{ row: RunningStream; expected: Expected }>,
  totalOf: (scope: Condition['scope']) => number,
): Condition[] {
  const byConfig = Map.groupBy(awaiting, ({ expected }) => expected.awaited!);
  return [...byConfig].map(([{ domain, app, validFrom }, streams]) => {
    const scope = { domain, app: app === '*' ? null : app, stream: null };
    const names = streams.slice(0, SHOWN_STREAMS).map(({ row }) => `${row.app}/${row.stream}`);
    return {
      kind: 'pending_reingest',
      scope,
      key: '',
      since: validFrom,
      until: null,
      affected: streams.length,
      total: Math.max(totalOf(scope), streams.length),
      missed: null,
      expected: null,
      cause: null,
      facts: { streams: names },
      ripe: true,
      gaps: [],
    };
  });
}

function isOurs(version: ConfigVersion | null, callbackUrl: string | null): boolean {
  return version !== null && callbackUrl !== null && sameUrl(version.callback, callbackUrl);
}

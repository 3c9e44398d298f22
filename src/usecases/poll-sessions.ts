import type { Instant } from '../core/instant.ts';
import type { Clock, LiveApi, SessionStore } from '../ports.ts';

export interface PollSessionsParts {
  live: LiveApi;
  sessions: SessionStore;
  clock: Clock;
  /** Main streaming domains. */
  domains: readonly string[];
  /** How often the publish list is read besides, for publishes that neither a callback nor a poll of the online list caught. */
  publishListEverySeconds?: number;
}

/** A domain that could not be asked who is on air. */
export interface PollFailure {
  domain: string;
  error: unknown;
}

const HOUR_SECONDS = 3_600;
/** At the start so much of the past is read; later from the last reading on, with an hour of overlap. */
const FIRST_LOOK_BACK_MS = 24 * HOUR_SECONDS * 1000;
const OVERLAP_MS = HOUR_SECONDS * 1000;
/** The vendor's list holds 30 days, and takes no longer span (reference/live-api.md 3.3). */
const LONGEST_LOOK_BACK_MS = 29 * 24 * HOUR_SECONDS * 1000;

/**
 * Asks the vendor who is on air, and from time to time who was. Remembers only when it last read the publish list, so any
 * replica may run it; two at once record the same. Resolves to the domains that could not be asked; the others go on.
 */
export function createPollSessions(parts: PollSessionsParts): () => Promise<PollFailure[]> {
  const { live, sessions, clock } = parts;
  const everyMs = (parts.publishListEverySeconds ?? HOUR_SECONDS) * 1000;
  const publishListReadAt = new Map<string, Instant>();

  async function pollDomain(domain: string): Promise<void> {
    const polledAt = clock.now();
    await sessions.recordOnline(domain, await live.onlineStreams(domain), polledAt);
    const lastRead = publishListReadAt.get(domain);
    if (lastRead !== undefined && polledAt - lastRead < everyMs) return;
    const from = lastRead === undefined ? polledAt - FIRST_LOOK_BACK_MS : lastRead - OVERLAP_MS;
    const published = await live.publishRecords(domain, Math.max(from, polledAt - LONGEST_LOOK_BACK_MS), polledAt);
    // The list may be asked by ingest domain too; a stream belongs to its main streaming domain.
    await sessions.recordPublishes(
      published.map((publish) => ({ ...publish, domain })),
      polledAt,
    );
    publishListReadAt.set(domain, polledAt);
  }

  return async () => {
    const failures: PollFailure[] = [];
    for (const domain of parts.domains) {
      try {
        await pollDomain(domain);
      } catch (error) {
        // Could not look is not "nobody is on air": nothing is recorded, and sessions stay as they were.
        failures.push({ domain, error });
      }
    }
    return failures;
  };
}

import type { Mode } from '../core/capture.ts';
import { verdictLabels } from '../core/capture-verdict.ts';
import { modesOf } from '../core/config-version.ts';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import { type Slot, sessionSlots } from '../core/session-slots.ts';
import type { CaptureReads, Clock, ConfigReads, SessionReads } from '../ports.ts';
import { captureView } from './query-captures.ts';
import { isInstant, isText, type Page, type PageWords, readPage } from './query-paging.ts';
import { parseSessionId } from './query-sessions.ts';
import { configLookup } from './query-streams.ts';

export type SlotWords = PageWords & { mode?: Mode | undefined };

/** Instants of sessions come in whole seconds, and the vendor notices the end up to 10 s late. */
const EDGE_MS = 10_000;

export function slotQueries({ reads, clock }: { reads: SessionReads & CaptureReads & ConfigReads; clock: Clock }) {
  return {
    /** The slots of one session, oldest first. A session without a config in force expects nothing and has none. */
    async sessionSlots(id: string, words: SlotWords): Promise<Page<Slot>> {
      const { streamId, startedAt } = parseSessionId(id);
      const [session, neighbours, stream, versions] = await Promise.all([
        reads.sessionRow(streamId, startedAt),
        reads.sessionNeighbours(streamId, startedAt),
        reads.streamById(streamId),
        reads.configVersions({}),
      ]);
      if (!session || !stream) throw new RefusalError('not-found', 'There is no such session.');
      const config = configLookup(versions)(session.domain, session.app, startedAt);
      if (!config) return { data: [], next: null };
      const mode = words.mode ?? modesOf(config)[0];
      const intervalMs = config.intervalSeconds * 1_000;
      // The edges belong to this session as far as no other reaches.
      const start = Math.max(startedAt - EDGE_MS, Math.min(neighbours.endedBefore ?? 0, startedAt));
      const end = Math.min(
        (session.endedAt ?? clock.now()) + EDGE_MS,
        neighbours.startedAfter ?? Number.POSITIVE_INFINITY,
      );

      return readPage<Slot, [number, string]>({
        list: `slots ${id}`,
        words,
        isPlace: (values): values is [number, string] =>
          values.length === 2 && isInstant(values[0]) && isText(values[1]),
        placeOf: (slot) => [slot.at, slot.captureId ?? NO_CAPTURE],
        read: async (place, limit) => {
          const slots: Slot[] = [];
          let from = place ? place[0] : start;
          for (let spanMs = limit * intervalMs; from < end && slots.length < limit; spanMs *= 2) {
            const to = Math.min(end, from + spanMs);
            for (const slot of await slotsOf(from, to)) {
              const beyond = place === null || slot.at > place[0] || (slot.captureId ?? NO_CAPTURE) > place[1];
              if (beyond) slots.push(slot);
            }
            from = to;
          }
          return slots.slice(0, limit);
        },
      });

      async function slotsOf(from: Instant, to: Instant): Promise<Slot[]> {
        const window = { from: from - intervalMs, to: to + intervalMs };
        const [rows, { runs, auditedUntil }] = await Promise.all([
          reads.captureRows({
            stream: stream!,
            window,
            filter: {},
            order: 'oldest',
            after: null,
            limit: MOST_CAPTURES,
          }),
          reads.verdictRuns(streamId, window),
        ]);
        const labels = verdictLabels(runs, auditedUntil);
        const captures = rows
          .filter((row) => row.mode === mode)
          .map((row) => captureView(stream!, row, labels))
          .map((view) => ({ at: view.capturedAt, verdict: view.verdict, cause: view.cause, captureId: view.id }));
        const ofSession = runs.filter((run) => run.mode === mode && run.sessionStartedAt === startedAt);
        return sessionSlots(captures, ofSession, intervalMs, from, to).sort(inOrder);
      }
    },
  };
}

/** Sorts after every capture id, for those begin with a digit. */
const NO_CAPTURE = '~';
/** Far more than any span that is asked for can hold. */
const MOST_CAPTURES = 100_000;

function inOrder(a: Slot, b: Slot): number {
  if (a.at !== b.at) return a.at - b.at;
  return (a.captureId ?? NO_CAPTURE) < (b.captureId ?? NO_CAPTURE) ? -1 : 1;
}

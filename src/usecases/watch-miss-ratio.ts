import type { WatchRules } from '../core/incident-rules.ts';
import type { Instant } from '../core/instant.ts';
import { missesTooMany } from '../core/watch-silence.ts';
import type { AlertingFacts, OnAirRow } from '../ports.ts';

/** A stream that is on air and whose callbacks are expected every so often. */
export type WatchedRow = OnAirRow & { intervalSeconds: number };

export interface LossyStream<Row> {
  row: Row;
  from: Instant;
  missed: number;
  expected: number;
}

/** A stream is counted anew so often: to count all of them in every tick would cost more than the whole rest of it. */
const COUNT_EVERY_MS = 10_000;
/** Of the streams, so many parts are counted in one tick. */
const PARTS = 8;
const LEAST_AT_ONCE = 250;

/** Finds the streams that never fall silent for long, yet lose more of their callbacks than the settings allow. */
export function createMissRatioWatch(parts: {
  facts: Pick<AlertingFacts, 'heardCounts'>;
  rule: NonNullable<WatchRules['missRatio']>;
}) {
  const { ratio, overSeconds } = parts.rule;
  const counted = new Map<number, { at: Instant; heard: number }>();

  /** Of streams that could be heard, and were not excused, in the whole window `[asOf - over, asOf)`. */
  return async function lossy<Row extends WatchedRow>(
    rows: readonly Row[],
    asOf: Instant,
  ): Promise<LossyStream<Row>[]> {
    const present = new Set(rows.map(({ streamId }) => streamId));
    for (const streamId of counted.keys()) if (!present.has(streamId)) counted.delete(streamId);
    const due = rows
      .filter(({ streamId }) => {
        const last = counted.get(streamId);
        return !last || asOf - last.at >= COUNT_EVERY_MS || asOf < last.at;
      })
      .slice(0, Math.max(LEAST_AT_ONCE, Math.ceil(rows.length / PARTS)));
    if (due.length > 0) {
      const heard = await parts.facts.heardCounts(
        due.map(({ streamId }) => streamId),
        asOf - overSeconds * 1000,
      );
      for (const { streamId } of due) counted.set(streamId, { at: asOf, heard: heard.get(streamId) ?? 0 });
    }
    return rows.flatMap((row) => {
      const last = counted.get(row.streamId);
      const { intervalSeconds } = row;
      if (!last || !missesTooMany({ heard: last.heard, overSeconds, intervalSeconds }, ratio)) return [];
      const expected = Math.floor(overSeconds / intervalSeconds);
      return [{ row, from: last.at - overSeconds * 1000, missed: expected - last.heard, expected }];
    });
  };
}

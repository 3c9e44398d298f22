import type pg from 'pg';
import type { StreamKey } from '../../core/stream-key.ts';

const MAX_CACHED = 200_000;

export interface StreamIds {
  /**
   * Ids of these streams, in their order; a stream that is new is added where `mayAdd` of its index is true or the allowance for
   * strangers still holds, else its id is null.
   */
  resolve(
    client: pg.ClientBase,
    keys: readonly StreamKey[],
    mayAdd: (index: number) => boolean,
  ): Promise<(number | null)[]>;
}

/** How many new streams unsigned callbacks may add: anyone could make names up, and every name would be a row. */
export interface StrangerAllowance {
  atOnce: number;
  perMinute: number;
}

/** The ids of streams, cached. */
export function createStreamIds(options: { strangers: StrangerAllowance; now: () => number }): StreamIds {
  const cache = new Map<string, number>();
  let allowance = options.strangers.atOnce;
  let refilledAt = options.now();

  function remember(key: string, id: number): void {
    if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value as string);
    cache.set(key, id);
  }

  function admitStranger(): boolean {
    const now = options.now();
    const refill = (Math.max(0, now - refilledAt) / 60_000) * options.strangers.perMinute;
    allowance = Math.min(options.strangers.atOnce, allowance + refill);
    refilledAt = now;
    if (allowance < 1) return false;
    allowance--;
    return true;
  }

  return {
    async resolve(client, keys, mayAdd) {
      const texts = keys.map(cacheKey);
      const ids: (number | null)[] = texts.map((text) => cache.get(text) ?? null);
      const misses = new Map<string, number>();
      for (let index = 0; index < ids.length; index++) {
        if (ids[index] !== null) continue;
        const seen = misses.get(texts[index]!);
        if (seen === undefined || (!mayAdd(seen) && mayAdd(index))) misses.set(texts[index]!, index);
      }
      if (misses.size === 0) return ids;

      for (const row of await select(client, pick(keys, misses.values()))) remember(cacheKey(row), row.id);
      const fresh = [...misses]
        .filter(([text, index]) => !cache.has(text) && (mayAdd(index) || admitStranger()))
        // Two replicas that add the same streams must take their locks in one order.
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, index]) => keys[index]!);
      if (fresh.length > 0) {
        await client.query(
          'insert into streams (domain, app, stream) select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing',
          columns(fresh),
        );
        for (const row of await select(client, fresh)) remember(cacheKey(row), row.id);
      }
      return texts.map((text, index) => ids[index] ?? cache.get(text) ?? null);
    },
  };
}

function pick(keys: readonly StreamKey[], indexes: Iterable<number>): StreamKey[] {
  return [...indexes].map((index) => keys[index]!);
}

function columns(keys: readonly StreamKey[]): string[][] {
  return [keys.map((key) => key.domain), keys.map((key) => key.app), keys.map((key) => key.stream)];
}

async function select(client: pg.ClientBase, keys: StreamKey[]): Promise<(StreamKey & { id: number })[]> {
  const { rows } = await client.query(
    `select id, domain, app, stream from streams
     where (domain, app, stream) in (select * from unnest($1::text[], $2::text[], $3::text[]))`,
    columns(keys),
  );
  return rows;
}

function cacheKey(key: StreamKey): string {
  return `${key.domain}\n${key.app}\n${key.stream}`;
}

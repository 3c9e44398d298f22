import { compareKeys } from '../../../src/core/object-key.ts';
import type { ObjectStore, ObjectSummary, StoredObject } from '../../../src/sandbox/oss/object-store.ts';

/** A year of captures that nobody had to write: every stream has one object an interval, from `firstAt` on. */
export interface Generated {
  streams: number;
  perStream: number;
  firstAt: number;
  intervalSeconds: number;
}

export const BENCH_TEMPLATE = 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg';

export function streamName(index: number): string {
  return `cam${String(index).padStart(6, '0')}`;
}

/** Answers listings from arithmetic, so that a million objects cost the stand-in no memory. */
export class GeneratedStore implements ObjectStore {
  readonly #given: Generated;

  constructor(given: Generated) {
    this.#given = given;
  }

  list(prefix: string, startAfter: string, limit: number): ObjectSummary[] {
    const { streams, perStream, firstAt, intervalSeconds } = this.#given;
    const found: ObjectSummary[] = [];
    for (let stream = 0; stream < streams && found.length < limit; stream++) {
      const folder = folderOf(stream);
      if (!folder.startsWith(prefix) && !prefix.startsWith(folder)) continue;
      let index = 0;
      if (startAfter.startsWith(folder)) {
        const seconds = Number.parseInt(startAfter.slice(folder.length, folder.length + 10), 10);
        if (Number.isFinite(seconds)) index = Math.max(0, Math.floor((seconds - firstAt / 1_000) / intervalSeconds));
      } else if (compareKeys(startAfter, folder) > 0) continue;
      for (; index < perStream && found.length < limit; index++) {
        const object = this.#object(stream, index);
        if (compareKeys(object.key, startAfter) > 0 && object.key.startsWith(prefix)) found.push(object);
      }
    }
    return found;
  }

  head(key: string): ObjectSummary | null {
    return this.list(key, '', 1).find((object) => object.key === key) ?? null;
  }

  get(): StoredObject | null {
    return null;
  }

  put(): ObjectSummary {
    throw new Error('these objects are made up; nothing can be written');
  }

  delete(): boolean {
    return false;
  }

  #object(stream: number, index: number): ObjectSummary {
    const at = this.#given.firstAt + index * this.#given.intervalSeconds * 1_000;
    return {
      key: `${folderOf(stream)}${at / 1_000}.jpg`,
      lastModified: at,
      sizeBytes: 34_567,
      etag: '5B3C1A2E053D763E1B002CC607C5A0FE',
    };
  }
}

function folderOf(stream: number): string {
  return `snapshot/live/${streamName(stream)}/`;
}

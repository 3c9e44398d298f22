import { useEffect, useSyncExternalStore } from 'react';
import { get, takeEarly, type WallChange, type WallStream } from '../api.ts';
import { currentTime, setClock } from '../parts/time.tsx';

/** What the wall shows, kept current by the server's events. One store for all pages: the header shows it too. */
export interface WallState {
  connection: 'connecting' | 'live' | 'stale';
  /** When we last heard of the server; what is shown is as old as that. */
  heardAt: number;
  revision: number;
  stripFrom: string | null;
  summary: WallChange['summary'] | null;
  /** The object of a stream that did not change stays the same. */
  streams: ReadonlyMap<string, WallStream>;
  /** False while there is only the first screen of them. */
  whole: boolean;
  error: unknown;
}

/** The server says something at least every 5 s. */
const SILENCE_MS = 15_000;
const RETRY_MS = 3_000;
const HIDDEN_MS = 1_000;

export function keyOf(stream: { domain: string; app: string; stream: string }): string {
  return `${stream.domain}\n${stream.app}\n${stream.stream}`;
}

class WallStore {
  #state: WallState = {
    connection: 'connecting',
    heardAt: currentTime(),
    revision: 0,
    stripFrom: null,
    summary: null,
    streams: new Map(),
    whole: false,
    error: null,
  };
  readonly #listeners = new Set<() => void>();
  #source: EventSource | null = null;
  #watch: ReturnType<typeof setInterval> | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #reading = false;
  /** What came while the whole was on its way, oldest first: some of it may be newer. */
  #waiting: WallChange[] = [];
  #greeted = false;

  readonly get = (): WallState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): () => void {
    this.#connect();
    this.#watch = setInterval(() => {
      if (currentTime() - this.#state.heardAt <= SILENCE_MS) return;
      this.#change({ connection: 'stale' });
      this.#connect();
    }, 5_000);
    return () => this.stop();
  }

  stop(): void {
    this.#source?.close();
    this.#source = null;
    if (this.#watch) clearInterval(this.#watch);
    if (this.#retry) clearTimeout(this.#retry);
  }

  #connect(): void {
    this.#source?.close();
    if (this.#retry) clearTimeout(this.#retry);
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    // The whole is read beside the stream of changes, so that the first picture does not wait for it.
    void this.#read();
    source.addEventListener('ping', () => this.#heard());
    source.addEventListener('hello', () => {
      this.#heard();
      // After the first one: a revision that was missed shows by itself.
      if (this.#greeted) void this.#read();
      this.#greeted = true;
    });
    source.addEventListener('wall', (event) => {
      this.#heard();
      this.#apply(JSON.parse(event.data) as WallChange);
    });
    source.addEventListener('error', () => {
      this.#change({ connection: 'stale' });
      // An EventSource that was refused (401, 5xx) does not come back by itself.
      if (source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      const firstScreen = this.#state.summary === null ? await takeEarly<WallChange>('firstScreen') : null;
      if (firstScreen !== null) {
        const { statuses } = firstScreen.summary;
        const all = Object.values(statuses).reduce((sum, count) => sum + count, 0);
        this.#take(firstScreen, firstScreen.streams.length === all);
        // Thousands of streams take a while: what one came for is painted before.
        if (!this.#state.whole) await nextPaint();
      }
      if (firstScreen === null || !this.#state.whole) this.#take(await get<WallChange>('/wall'), true);
    } catch (error) {
      // The next change asks for the whole again.
      this.#waiting = [];
      this.#change({ connection: 'stale', error });
    } finally {
      this.#reading = false;
    }
    for (const change of this.#waiting.splice(0)) this.#apply(change);
  }

  #take({ revision, stripFrom, summary, streams }: WallChange, whole: boolean): void {
    const byKey = new Map(streams.map((stream) => [keyOf(stream), stream]));
    setClock(summary.at);
    const heardAt = currentTime();
    this.#change({ connection: 'live', heardAt, revision, stripFrom, summary, streams: byKey, whole, error: null });
  }

  #apply(change: WallChange): void {
    if (this.#reading) {
      this.#waiting.push(change);
      return;
    }
    const { revision, streams, whole, summary: before } = this.#state;
    if (whole && before !== null && change.summary.at <= before.at) return;
    if (!whole || change.revision !== revision + 1) {
      // Something was missed in between, or another process of the service, with a count of its own, speaks now.
      void this.#read();
      return;
    }
    let next = streams;
    if (change.streams.length > 0) {
      const changed = new Map(streams);
      for (const stream of change.streams) changed.set(keyOf(stream), stream);
      next = changed;
    }
    const { stripFrom, summary } = change;
    setClock(summary.at);
    this.#change({ revision: change.revision, stripFrom, summary, streams: next, error: null });
  }

  #heard(): void {
    const live = this.#state.summary !== null && this.#state.error === null;
    this.#change({ heardAt: currentTime(), connection: live ? 'live' : this.#state.connection });
  }

  #change(change: Partial<WallState>): void {
    this.#state = { ...this.#state, ...change };
    for (const tell of this.#listeners) tell();
  }
}

/** After the next frame, or soon where none is painted, as in a tab behind others. */
function nextPaint(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, HIDDEN_MS);
  });
}

const wallStore = new WallStore();

export function useWallConnection(): void {
  useEffect(() => wallStore.start(), []);
}

/** A part of the state; the component is drawn anew only when that part changes. */
export function useWall<Part>(part: (state: WallState) => Part): Part {
  return useSyncExternalStore(wallStore.subscribe, () => part(wallStore.get()));
}

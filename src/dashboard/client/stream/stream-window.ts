import { useEffect, useMemo } from 'react';
import type { useAddress } from '../parts/address.ts';
import { useNow } from '../parts/time.tsx';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const PRESETS: Record<string, number> = {
  month: 30 * DAY_MS,
  week: 7 * DAY_MS,
  day: DAY_MS,
  hour: HOUR_MS,
  tenMinutes: 10 * MINUTE_MS,
};
const SHORTEST_MS = MINUTE_MS;
const LONGEST_MS = 366 * DAY_MS;

type Setter = ReturnType<typeof useAddress>[1];

/**
 * The window of time that the address names: `from` and `to`, or `last` (a preset) that follows the clock. An address with
 * nothing but an old `at`, as alerts write it, shows the time around that.
 */
export function useStreamWindow(search: URLSearchParams, setSearch: Setter) {
  const now = useNow();
  const linked = Date.parse(search.get('at') ?? '');
  const around = !search.has('from') && !search.has('last') && linked < now - DAY_MS;
  const from = around ? linked - HOUR_MS / 2 : Date.parse(search.get('from') ?? '');
  const to = around ? linked + HOUR_MS / 2 : Date.parse(search.get('to') ?? '');
  const following = !(from < to);
  const preset = Object.hasOwn(PRESETS, search.get('last') ?? '') ? search.get('last')! : 'day';
  const lengthMs = following ? (PRESETS[preset] ?? DAY_MS) : to - from;
  // A following window moves in steps, or every second would ask anew.
  const step = Math.max(10_000, Math.min(MINUTE_MS, lengthMs / 400));
  const end = following ? Math.ceil(now / step) * step : to;
  const start = following ? end - lengthMs : from;

  // Once it is in the address it stays when the slot is closed.
  useEffect(() => {
    if (!around) return;
    setSearch((before) => withWindow(before, from, to), { replace: true });
  }, [around, from, to, setSearch]);

  const actions = useMemo(() => {
    const change = (apply: (next: URLSearchParams) => void) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        apply(next);
        return next;
      });
    const set = (wantedFrom: number, wantedTo: number) => {
      const middle = (wantedFrom + wantedTo) / 2;
      const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, wantedTo - wantedFrom));
      setSearch((before) => withWindow(before, middle - length / 2, middle + length / 2));
    };
    return {
      set,
      zoom: (factor: number) => {
        const middle = (start + end) / 2;
        const half = ((end - start) * factor) / 2;
        set(middle - half, middle + half);
      },
      /** A tenth of what is shown, around the instant. */
      zoomTo: (at: number) => set(at - (end - start) / 20, at + (end - start) / 20),
      move: (share: number) => set(start + (end - start) * share, end + (end - start) * share),
      choose: (chosen: string) => {
        const length = PRESETS[chosen] ?? DAY_MS;
        if (following) {
          change((next) => next.set('last', chosen));
          return;
        }
        const middle = (start + end) / 2;
        set(middle - length / 2, middle + length / 2);
      },
      follow: () =>
        change((next) => {
          next.delete('from');
          next.delete('to');
        }),
    };
  }, [setSearch, start, end, following]);

  const shownPreset = following ? preset : (Object.keys(PRESETS).find((name) => PRESETS[name] === lengthMs) ?? null);
  return { from: start, to: end, following, preset: shownPreset, ...actions };
}

/** The address with this window in it, which is the same for everybody and at every time. */
export function withWindow(search: URLSearchParams, from: number, to: number): URLSearchParams {
  const next = new URLSearchParams(search);
  next.delete('last');
  next.set('from', new Date(Math.round(from)).toISOString());
  next.set('to', new Date(Math.round(to)).toISOString());
  return next;
}

export type StreamWindow = ReturnType<typeof useStreamWindow>;

import { createContext, useContext, useSyncExternalStore } from 'react';
import { useLanguage, useWords } from '../words/language.tsx';
import { type Detail, formatTime, utcText, zone } from './format-time.ts';

export { formatTime, utcText };

/** One clock for all ages on the page: the service's, for the viewer's own may be off by any amount. */
const listeners = new Set<() => void>();
let aheadMs = 0;
let now = Date.now();

export function currentTime(): number {
  return Date.now() + aheadMs;
}

/** Less is the way that the message took. */
const CLOCK_STEP_MS = 1_000;

/** Tells what the service's clock says, as of now. */
export function setClock(at: string): void {
  const told = new Date(at).getTime() - Date.now();
  if (Math.abs(told - aheadMs) < CLOCK_STEP_MS) return;
  aheadMs = told;
  tick();
}

function tick(): void {
  now = currentTime();
  for (const tell of listeners) tell();
}
let ticking: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && ticking) {
      clearInterval(ticking);
      ticking = null;
    }
  };
}

/** Now by the service's clock, renewed every second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** The zone of the times below it, where it is not the viewer's. */
export const Zone = createContext(zone);

/** An instant in the viewer's zone, or that of a `Zone` above; UTC on hover. */
export function When({ at, detail = 'full' }: { at: number | string; detail?: Detail }) {
  const { words } = useLanguage();
  const timeZone = useContext(Zone);
  return (
    <time dateTime={new Date(at).toISOString()} title={utcText(at)}>
      {formatTime(at, detail, words.locale, timeZone)}
    </time>
  );
}

interface SpanWords {
  d: string;
  h: string;
  m: string;
  s: string;
}

/** The two greatest units of a span: `3 h 12 min`. */
export function spanText(ms: number, units: SpanWords): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (d > 0) return h > 0 ? `${d} ${units.d} ${h} ${units.h}` : `${d} ${units.d}`;
  if (h > 0) return m > 0 ? `${h} ${units.h} ${m} ${units.m}` : `${h} ${units.h}`;
  if (m > 0) return s > 0 && m < 10 ? `${m} ${units.m} ${s} ${units.s}` : `${m} ${units.m}`;
  return `${s} ${units.s}`;
}

export function Span({ ms }: { ms: number }) {
  const words = useWords();
  return <>{spanText(ms, words.spans)}</>;
}

/** How long ago, kept current. */
export function Age({ at }: { at: number | string }) {
  const words = useWords();
  const current = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={utcText(at)}>
      {words.common.ago(spanText(current - new Date(at).getTime(), words.spans))}
    </time>
  );
}

/** A share as people read it: 99.95 % never becomes 100 %. */
export function percentText(share: number | null, locale: string): string {
  if (share === null) return '–';
  const digits = share === 1 || share === 0 ? 0 : 2;
  const floored = Math.floor(share * 10_000) / 10_000;
  return new Intl.NumberFormat(locale, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(floored);
}

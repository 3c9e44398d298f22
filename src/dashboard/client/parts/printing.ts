import { useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';

const SCHEME = 'data-mantine-color-scheme';

const listeners = new Set<() => void>();
let printing = false;
let schemeOnScreen = 'light';

function change(isPrinting: boolean): void {
  if (isPrinting === printing) return;
  printing = isPrinting;
  const root = document.documentElement;
  if (printing) schemeOnScreen = root.getAttribute(SCHEME) ?? 'light';
  // Before the charts are drawn anew: they read their colours from the page.
  root.setAttribute(SCHEME, printing ? 'light' : schemeOnScreen);
  // The paper is drawn as soon as this returns.
  flushSync(() => {
    for (const tell of listeners) tell();
  });
}

window.addEventListener('beforeprint', () => change(true));
window.addEventListener('afterprint', () => change(false));
window.matchMedia('print').addEventListener('change', ({ matches }) => change(matches));

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The page is being put on paper, where all is light. */
export function usePrinting(): boolean {
  return useSyncExternalStore(subscribe, () => printing);
}

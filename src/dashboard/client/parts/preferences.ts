import { useSyncExternalStore } from 'react';

/** What the viewer chose, kept in this browser. */
const STORED = 'snapaudit-blur';
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useBlur(): [boolean, (blur: boolean) => void] {
  const blur = useSyncExternalStore(subscribe, () => localStorage.getItem(STORED) === 'true');
  return [
    blur,
    (chosen) => {
      localStorage.setItem(STORED, String(chosen));
      for (const tell of listeners) tell();
    },
  ];
}

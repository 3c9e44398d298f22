import { useEffect } from 'react';

let open = 0;

/** While a dialog is open, nothing behind it can be reached, by keyboard or by a screen reader. */
export function useInert(opened: boolean): void {
  useEffect(() => {
    const root = document.getElementById('root');
    if (!opened || !root) return;
    open++;
    root.inert = true;
    return () => {
      open--;
      root.inert = open > 0;
    };
  }, [opened]);
}

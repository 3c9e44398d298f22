import { useEffect } from 'react';
import { useLocation } from 'wouter';

const GO: Record<string, string> = {
  w: '/',
  i: '/incidents',
  g: '/gaps',
  c: '/configs',
  a: '/audits',
  q: '/quarantine',
  r: '/report',
};
const CHORD_MS = 1_500;

/** `/` search, `j` and `k` through the rows, `g` then a letter to a page, `?` help. Nothing while someone types. */
export function useShortcuts({ onHelp }: { onHelp: () => void }): void {
  const [, navigate] = useLocation();
  useEffect(() => {
    let goUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const target = GO[event.key];
      if (Date.now() < goUntil && target) {
        goUntil = 0;
        event.preventDefault();
        navigate(target);
        return;
      }
      if (event.key === 'g') goUntil = Date.now() + CHORD_MS;
      else if (event.key === '?') onHelp();
      else if (event.key === 'j' || event.key === 'k') moveRow(event.key === 'j' ? 1 : -1);
      else if (event.key === '/') {
        event.preventDefault();
        focusSearch(navigate);
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate, onHelp]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Rows mark themselves with `data-row`; they are links or buttons, so Enter opens them. */
function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = document.activeElement instanceof HTMLElement ? rows.indexOf(document.activeElement) : -1;
  const next = rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function focusSearch(navigate: (path: string) => void): void {
  const field = document.querySelector<HTMLInputElement>('[data-search]');
  if (field) {
    field.focus();
    field.select();
    return;
  }
  navigate('/');
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>('[data-search]')?.focus());
}

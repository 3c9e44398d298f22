import { useEffect } from 'react';

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title.slice(0, 200)} · Snapaudit` : 'Snapaudit';
  }, [title]);
}

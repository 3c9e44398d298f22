import { useCallback, useMemo } from 'react';
import { navigate, useSearch } from 'wouter/use-browser-location';

type Change = URLSearchParams | Record<string, string> | ((before: URLSearchParams) => URLSearchParams);

/**
 * What stands behind the `?` of the address, and how to change it. The router's own hook decodes address and parameters once more than
 * they were encoded: of a name with `%` or a backslash in it, it makes another one.
 */
export function useAddress(): [URLSearchParams, (change: Change, options?: { replace?: boolean }) => void] {
  const search = useSearch();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback((wanted: Change, options?: { replace?: boolean }) => {
    const { pathname, search: before } = globalThis.location;
    const query = new URLSearchParams(
      typeof wanted === 'function' ? wanted(new URLSearchParams(before)) : wanted,
    ).toString();
    navigate(`${pathname}${query && `?${query}`}`, options);
  }, []);
  return [parameters, change];
}

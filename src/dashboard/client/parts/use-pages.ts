import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { get, type Page, type Parameters } from '../api.ts';

/** A list of the API, page after page. With another `refreshKey` the pages that are shown are read anew, all of them. */
export function usePages<Row>(path: string, parameters: Parameters, refreshKey: unknown = null) {
  const query = useInfiniteQuery({
    queryKey: ['pages', path, parameters],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Row>>(path, { limit: 100, ...parameters, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: (before) => before,
  });
  const { refetch } = query;
  const read = useRef(refreshKey);
  useEffect(() => {
    if (read.current === refreshKey) return;
    read.current = refreshKey;
    void refetch({ cancelRefetch: false });
  }, [refreshKey, refetch]);
  return { ...query, rows: query.data?.pages.flatMap((page) => page.data) ?? [] };
}

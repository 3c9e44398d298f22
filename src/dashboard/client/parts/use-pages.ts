import { useInfiniteQuery } from '@tanstack/react-query';
import { get, type Page, type Parameters } from '../api.ts';

/** A list of the API, page after page. */
export function usePages<Row>(path: string, parameters: Parameters, refreshKey: unknown = null) {
  const query = useInfiniteQuery({
    queryKey: ['pages', path, parameters, refreshKey],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Row>>(path, { limit: 100, ...parameters, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: (before) => before,
  });
  return { ...query, rows: query.data?.pages.flatMap((page) => page.data) ?? [] };
}

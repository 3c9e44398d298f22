import { Button } from '@mantine/core';
import { useWords } from '../words/language.tsx';

/** The button below a list that has more pages. */
export function More({
  query,
}: {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}) {
  const words = useWords();
  if (!query.hasNextPage) return null;
  return (
    <div className="more">
      <Button size="xs" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        {words.common.more}
      </Button>
    </div>
  );
}

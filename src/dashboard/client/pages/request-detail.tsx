import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { get, type Quarantined, send } from '../api.ts';
import { Name } from '../parts/marks.tsx';
import { reasonWord } from '../parts/quarantine-words.ts';
import { useMay } from '../parts/session.tsx';
import { Failure, failureText, Loading } from '../parts/states.tsx';
import { When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';

type Detail = Quarantined & { headers: Record<string, unknown>; bodyBase64: string; bodyText: string | null };

/** One kept request as it came. */
export function RequestDetail({ id, onDropped }: { id: string; onDropped: () => void }) {
  const words = useWords();
  const detail = useQuery({
    queryKey: ['quarantine', id],
    queryFn: ({ signal }) => get<Detail>(`/quarantine/${encodeURIComponent(id)}`, {}, signal),
  });
  if (detail.isError) return <Failure error={detail.error} retry={() => detail.refetch()} />;
  if (!detail.data) return <Loading />;
  const { headers, bodyText, bodyBase64, reason, receivedAt, retriedAt } = detail.data;
  return (
    <div className="slot">
      <p>
        <When at={receivedAt} /> · <Name title={reason}>{reasonWord(reason, words)}</Name>
      </p>
      <h3>{words.quarantine.headers}</h3>
      <pre className="raw" dir="ltr">
        {Object.entries(headers)
          .map(([name, value]) => `${name}: ${String(value)}`)
          .join('\n')}
      </pre>
      <h3>{words.quarantine.body}</h3>
      {bodyText === null && <p className="quiet">{words.quarantine.binary}</p>}
      <pre className="raw" dir="ltr">
        {bodyText ?? bodyBase64}
      </pre>
      {retriedAt === null && <Drop id={id} onDropped={onDropped} />}
    </div>
  );
}

/** Asks once more before the request is given up. */
function Drop({ id, onDropped }: { id: string; onDropped: () => void }) {
  const words = useWords();
  const may = useMay('operate');
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const drop = useMutation({
    mutationFn: () => send('POST', `/quarantine/${encodeURIComponent(id)}/drop`, {}),
    onSuccess: async () => {
      onDropped();
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes('/quarantine') });
    },
  });
  if (!may) return null;
  return (
    <div>
      {asking && <p>{words.quarantine.dropHint}</p>}
      {drop.isError && (
        <p role="alert" className="tone-not_captured">
          {failureText(drop.error, words.common)}
        </p>
      )}
      <div className="slot-nav">
        {asking ? (
          <>
            <Button size="xs" variant="default" onClick={() => setAsking(false)}>
              {words.common.cancel}
            </Button>
            <Button size="xs" color="red" loading={drop.isPending} onClick={() => drop.mutate()}>
              {words.quarantine.dropForGood}
            </Button>
          </>
        ) : (
          <Button size="xs" variant="default" onClick={() => setAsking(true)}>
            {words.quarantine.drop}
          </Button>
        )}
      </div>
    </div>
  );
}

import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, type Incident, type Page, type Silence, send } from '../api.ts';
import { Name } from '../parts/marks.tsx';
import { useMay } from '../parts/session.tsx';
import { Failure, failureText } from '../parts/states.tsx';
import { currentTime, When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';

type Subject = Pick<Incident, 'kind' | 'domain' | 'app' | 'stream'>;

/** The silences in force, or those of them that hold back what would be told of one incident. Nothing where there is none. */
export function Silences({ about }: { about?: Subject }) {
  const words = useWords();
  const silences = useQuery({
    queryKey: ['silences'],
    queryFn: ({ signal }) => get<Page<Silence>>('/silences', { limit: 500 }, signal),
    refetchInterval: 30_000,
  });
  if (silences.isError) return <Failure error={silences.error} retry={() => silences.refetch()} />;
  const now = currentTime();
  const inForce = (silences.data?.data ?? []).filter(
    (each) => each.endedAt === null && Date.parse(each.until) > now && (!about || concerns(each, about)),
  );
  if (inForce.length === 0) return null;
  return (
    <section className="panel">
      <h2>{words.incidents.silences}</h2>
      <ul className="events">
        {inForce.map((silence) => (
          <SilenceRow key={silence.id} silence={silence} />
        ))}
      </ul>
    </section>
  );
}

function concerns(silence: Silence, about: Subject): boolean {
  return (['kind', 'domain', 'app', 'stream'] as const).every(
    (name) => silence[name] === null || silence[name] === about[name],
  );
}

function SilenceRow({ silence }: { silence: Silence }) {
  const words = useWords();
  const may = useMay('operate');
  const queries = useQueryClient();
  const lift = useMutation({
    mutationFn: () => send('DELETE', `/silences/${silence.id}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['silences'] }),
  });
  const scope = [silence.domain, silence.app, silence.stream].filter((name) => name !== null);
  return (
    <li>
      <span>
        {words.incidents.silencedUntil} <When at={silence.until} />
      </span>
      <span>
        {scope.length === 0 ? words.common.everything : <Name>{scope.join(' / ')}</Name>}
        {silence.kind !== null && ` · ${words.incidentKinds[silence.kind]}`} · <Name>{silence.author}</Name>
        <q className="wrap-any">{silence.reason.slice(0, 1_000)}</q>
        {lift.isError && (
          <p role="alert" className="tone-not_captured">
            {failureText(lift.error, words.common)}
          </p>
        )}
        {may && (
          <Button size="xs" variant="default" loading={lift.isPending} onClick={() => lift.mutate()}>
            {words.incidents.lift}
          </Button>
        )}
      </span>
    </li>
  );
}

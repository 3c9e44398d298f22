import { Button, Modal, NativeSelect, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useParams } from 'wouter';
import { get, type Incident, type IncidentDetail, type Notification, type Page, send } from '../api.ts';
import { CauseText, IncidentStatusMark, Name, SeverityMark } from '../parts/marks.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { useMay } from '../parts/session.tsx';
import { Empty, Failure, failureText, Loading } from '../parts/states.tsx';
import { currentTime, Span, spanText, useNow, When } from '../parts/time.tsx';
import { useInert } from '../parts/use-inert.ts';
import { useWall } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';
import { IncidentAbout } from './incident-about.tsx';
import { Silences } from './silences.tsx';

export default function IncidentPage() {
  const words = useWords();
  const { id = '' } = useParams();
  const may = useMay('operate');
  const revision = useWall((state) => Math.floor(state.revision / 5));
  const incident = useQuery({
    queryKey: ['incident', id, revision],
    queryFn: ({ signal }) => get<IncidentDetail>(`/incidents/${encodeURIComponent(id)}`, {}, signal),
    placeholderData: (before) => before,
  });
  const messages = useQuery({
    queryKey: ['messages', id, revision],
    queryFn: ({ signal }) => get<Page<Notification>>('/notifications', { incident: id }, signal),
    placeholderData: (before) => before,
  });
  const [asking, setAsking] = useState<'acknowledge' | 'silence' | null>(null);
  const shown = incident.data;
  usePageTitle(shown ? words.incidentKinds[shown.kind] : words.incidents.title);
  if (incident.isError) return <Failure error={incident.error} retry={() => incident.refetch()} />;
  if (!shown) return <Loading />;
  return (
    <>
      <div className="page-head">
        <h1>{words.incidentKinds[shown.kind]}</h1>
        <IncidentStatusMark status={shown.status} />
        <SeverityMark severity={shown.severity} />
        <IncidentAbout incident={shown} link />
        {may && shown.status !== 'resolved' && (
          <span className="end window-tools">
            {shown.status === 'open' && (
              <Button size="xs" onClick={() => setAsking('acknowledge')}>
                {words.incidents.acknowledge}
              </Button>
            )}
            <Button size="xs" variant="default" onClick={() => setAsking('silence')}>
              {words.incidents.silence}
            </Button>
          </span>
        )}
      </div>
      <section className="panel">
        <div className="panel-body">
          <IncidentFacts incident={shown} />
        </div>
      </section>
      <Silences about={shown} />
      <div className="two">
        <section className="panel">
          <h2>{words.incidents.timeline}</h2>
          <ol className="events">
            {shown.transitions.map((transition) => (
              <li key={transition.id}>
                <When at={transition.at} />
                <span>
                  <b>{transitionWord(transition.kind, words.transitions)}</b>{' '}
                  {transition.actor !== 'snapaudit' && <Name>{transition.actor}</Name>}
                  {transition.reason && <q className="wrap-any">{transition.reason.slice(0, 1_000)}</q>}
                </span>
              </li>
            ))}
          </ol>
        </section>
        <section className="panel">
          <h2>{words.incidents.messages}</h2>
          {messages.data?.data.length ? (
            <ol className="events">
              {messages.data.data.map((message) => (
                <li key={message.id}>
                  <When at={message.sentAt ?? message.createdAt} />
                  <span>
                    <Name>{message.channel}</Name> · {words.messageEvents[message.event]} ·{' '}
                    {words.messageStatuses[message.status]}
                    {message.error && <div className="wrap-any quiet small">{message.error.slice(0, 500)}</div>}
                  </span>
                </li>
              ))}
            </ol>
          ) : (
            <Empty title={words.incidents.noMessages} />
          )}
        </section>
      </div>
      <ActDialog asking={asking} incident={shown} onClose={() => setAsking(null)} />
    </>
  );
}

function IncidentFacts({ incident }: { incident: IncidentDetail }) {
  const words = useWords();
  const now = useNow();
  const end = incident.resolvedAt ? new Date(incident.resolvedAt).getTime() : now;
  const gaps = new URLSearchParams({ from: incident.since });
  if (incident.resolvedAt) gaps.set('to', incident.resolvedAt);
  for (const name of ['domain', 'app', 'stream'] as const) {
    const value = incident[name];
    if (value !== null) gaps.set(name, value);
  }
  return (
    <dl className="plain">
      <dt>{words.common.since}</dt>
      <dd>
        <When at={incident.since} /> · <Span ms={end - new Date(incident.since).getTime()} />
      </dd>
      <dt>{words.common.cause}</dt>
      <dd>
        <CauseText cause={incident.cause} />
      </dd>
      <dt>{words.incidents.affected}</dt>
      <dd>
        {words.incidents.affectedOf(incident.affectedStreams, incident.totalStreams)}
        {incident.missedSlots !== null && ` · ${words.common.slotCount(incident.missedSlots)}`}
      </dd>
      {incident.lastGoodAt && (
        <>
          <dt>{words.incidents.lastGood}</dt>
          <dd>
            <When at={incident.lastGoodAt} />
          </dd>
        </>
      )}
      {incident.detail && (
        <>
          <dt>{words.common.reason}</dt>
          <dd className="wrap-any">{incident.detail.slice(0, 2_000)}</dd>
        </>
      )}
      {incident.streams.length > 0 && (
        <>
          <dt>{words.common.stream}</dt>
          <dd className="wrap-any">
            {incident.streams.slice(0, 20).map((name) => (
              <div key={name}>
                <Name>{name}</Name>
              </div>
            ))}
          </dd>
        </>
      )}
      {incident.acknowledgedBy && (
        <>
          <dt>{words.incidentStatuses.acknowledged}</dt>
          <dd>
            {words.incidents.acknowledgedBy(incident.acknowledgedBy)}
            {incident.acknowledgeReason && <q className="wrap-any">{incident.acknowledgeReason}</q>}
          </dd>
        </>
      )}
      <dt />
      <dd>
        <Link href={`/gaps?${gaps}`}>{words.incidents.showGaps}</Link>
      </dd>
    </dl>
  );
}

function transitionWord(kind: string, words: Record<string, string>): string {
  return Object.hasOwn(words, kind) ? (words[kind] ?? kind) : kind;
}

const HOURS = [1, 4, 24, 24 * 7];

function ActDialog({
  asking,
  incident,
  onClose,
}: {
  asking: 'acknowledge' | 'silence' | null;
  incident: Incident;
  onClose: () => void;
}) {
  const words = useWords();
  useInert(asking !== null);
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState(1);
  const act = useMutation({
    mutationFn: () => {
      if (asking === 'acknowledge') {
        return send('POST', `/incidents/${incident.id}/ack`, { reason: reason.trim() || null });
      }
      const { domain, app, stream } = incident;
      const until = new Date(currentTime() + hours * 3_600_000).toISOString();
      return send('POST', '/silences', { domain, app, stream, until, reason: reason.trim() });
    },
    onSuccess: async () => {
      setReason('');
      onClose();
      await queries.invalidateQueries();
    },
  });
  const title = asking === 'silence' ? words.incidents.silence : words.incidents.acknowledge;
  return (
    <Modal
      opened={asking !== null}
      onClose={onClose}
      title={title}
      closeButtonProps={{ 'aria-label': words.common.close }}
      transitionProps={{ duration: 0 }}
    >
      <form
        className="slot"
        onSubmit={(event) => {
          event.preventDefault();
          act.mutate();
        }}
      >
        <p className="quiet">{asking === 'silence' ? words.incidents.silenceHint : words.incidents.acknowledgeHint}</p>
        {asking === 'silence' && (
          <NativeSelect
            label={words.incidents.forHowLong}
            value={String(hours)}
            onChange={(event) => setHours(Number(event.currentTarget.value))}
            data={HOURS.map((value) => ({ value: String(value), label: spanText(value * 3_600_000, words.spans) }))}
          />
        )}
        <Textarea
          label={words.common.reason}
          placeholder={words.incidents.reasonPlaceholder}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={500}
          required={asking === 'silence'}
          data-autofocus
        />
        {act.isError && (
          <p role="alert" className="tone-not_captured">
            {failureText(act.error, words.common)}
          </p>
        )}
        <div className="slot-nav">
          <Button variant="default" onClick={onClose}>
            {words.common.cancel}
          </Button>
          <Button type="submit" loading={act.isPending}>
            {title}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

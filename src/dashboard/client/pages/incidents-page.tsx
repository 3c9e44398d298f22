import { SegmentedControl } from '@mantine/core';
import { Link } from 'wouter';
import { INCIDENT_STATUSES } from '../../../core/incident.ts';
import type { Incident } from '../api.ts';
import { useAddress } from '../parts/address.ts';
import { CauseText, IncidentStatusMark, SeverityMark } from '../parts/marks.tsx';
import { More } from '../parts/more.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { ScrollX } from '../parts/scroll-x.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Age, When } from '../parts/time.tsx';
import { usePages } from '../parts/use-pages.ts';
import { useWall } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';
import { IncidentAbout } from './incident-about.tsx';
import { Silences } from './silences.tsx';

export default function IncidentsPage() {
  const words = useWords();
  usePageTitle(words.incidents.title);
  const [search, setSearch] = useAddress();
  const status = search.get('status') ?? 'live';
  const wanted = status === 'live' ? ['open', 'acknowledged'] : INCIDENT_STATUSES.filter((each) => each === status);
  // What is live on the wall has changed: read the list anew.
  const live = useWall((state) => JSON.stringify(state.summary?.incidents.map((each) => [each.id, each.status]) ?? []));
  const incidents = usePages<Incident>('/incidents', { status: wanted }, live);
  return (
    <>
      <div className="page-head">
        <h1>{words.incidents.title}</h1>
      </div>
      <div className="toolbar">
        <SegmentedControl
          size="xs"
          aria-label={words.common.status}
          value={status}
          onChange={(value) => setSearch(value === 'live' ? {} : { status: value }, { replace: true })}
          data={[
            { value: 'live', label: `${words.incidentStatuses.open} + ${words.incidentStatuses.acknowledged}` },
            ...INCIDENT_STATUSES.map((value) => ({ value, label: words.incidentStatuses[value] })),
            { value: 'all', label: words.common.all },
          ]}
        />
      </div>
      <Silences />
      <section className="panel" aria-label={words.incidents.title}>
        {incidents.isError ? (
          <Failure error={incidents.error} retry={() => incidents.refetch()} />
        ) : incidents.isPending ? (
          <Loading />
        ) : incidents.rows.length === 0 ? (
          <Empty title={words.incidents.empty} hint={words.incidents.emptyHint} />
        ) : (
          <IncidentTable incidents={incidents.rows} />
        )}
        <More query={incidents} />
      </section>
    </>
  );
}

function IncidentTable({ incidents }: { incidents: Incident[] }) {
  const words = useWords();
  return (
    <ScrollX label={words.incidents.title}>
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">{words.common.status}</th>
            <th scope="col">{words.common.since}</th>
            <th scope="col">{words.incidents.about}</th>
            <th scope="col">{words.common.cause}</th>
            <th scope="col" className="num">
              {words.incidents.affected}
            </th>
            <th scope="col">{words.incidents.resolvedAt}</th>
          </tr>
        </thead>
        <tbody>
          {incidents.map((incident) => (
            <tr key={incident.id}>
              <td className="fit">
                <IncidentStatusMark status={incident.status} />
                <br />
                <SeverityMark severity={incident.severity} />
              </td>
              <td className="fit">
                <Age at={incident.since} />
                <br />
                <span className="quiet small">
                  <When at={incident.since} />
                </span>
              </td>
              <td>
                <Link href={`/incidents/${incident.id}`} data-row>
                  <b>{words.incidentKinds[incident.kind]}</b>
                </Link>
                <br />
                <IncidentAbout incident={incident} link={false} />
              </td>
              <td>
                <CauseText cause={incident.cause} />
              </td>
              <td className="num fit">
                {incident.totalStreams > 1 &&
                  words.incidents.affectedOf(incident.affectedStreams, incident.totalStreams)}
                {incident.missedSlots !== null && (
                  <div className="quiet small">
                    {incident.expectedSlots !== null
                      ? words.incidents.missed(incident.missedSlots, incident.expectedSlots)
                      : words.common.slotCount(incident.missedSlots)}
                  </div>
                )}
              </td>
              <td className="fit">{incident.resolvedAt ? <When at={incident.resolvedAt} /> : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

import { Link } from 'wouter';
import { type Incident, streamPath } from '../api.ts';
import { Name } from '../parts/marks.tsx';
import { useWords } from '../words/language.tsx';

type Scope = Pick<Incident, 'domain' | 'app' | 'stream'>;

/** What an incident is about: one stream (a link to it), or all of an app, a domain, or everything. */
export function IncidentAbout({ incident, link }: { incident: Scope; link: boolean }) {
  const words = useWords();
  const { domain, app, stream } = incident;
  if (domain === null) return <span>{words.common.everything}</span>;
  const names = (
    <span className="path">
      <Name>{domain}</Name>
      {app !== null && (
        <>
          /<Name>{app}</Name>
        </>
      )}
      {stream !== null && (
        <>
          /<Name>{stream}</Name>
        </>
      )}
    </span>
  );
  return link && app !== null && stream !== null ? (
    <Link href={streamPath({ domain, app, stream })}>{names}</Link>
  ) : (
    names
  );
}

import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { WallChange } from '../api.ts';
import { CircleCheck, CircleQuestionMark, OctagonAlert } from '../parts/icons.ts';
import { FailedMark, Mark, Name } from '../parts/marks.tsx';
import { Age, percentText, When } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';
import { useWall } from './wall-store.ts';

/** A receiver says that it lives every second or so; without a word for so long it does not. */
const BLIND_AFTER_MS = 15_000;

/** The state of delivery and of ourselves, in one line. */
export function WallHeader({ summary }: { summary: WallChange['summary'] }) {
  const words = useWords();
  const { account, today, own, audits, domains, incidents } = summary;
  const share = today.counted === 0 ? null : today.ok / today.counted;
  const failed = audits.find((audit) => audit.status === 'failed');
  const lastDone = audits
    .map((audit) => audit.doneAt)
    .filter((at) => at !== null)
    .sort()
    .at(-1);
  const stale = useWall((state) => state.connection === 'stale');
  const streams = domains.reduce((sum, each) => sum + each.streams, 0);
  return (
    <dl className="facts">
      {account !== null && (
        <Fact name={words.wall.account}>
          <Name>{account}</Name>
        </Fact>
      )}
      <Fact name={words.wall.coverageToday} hint={words.wall.coverageHint(today.ok, today.counted)}>
        <strong className={`big ${share !== null && share < 1 ? 'tone-late' : 'tone-ok'}`}>
          {percentText(share, words.locale)}
        </strong>
        {today.excused + today.unknown > 0 && (
          <span className="quiet">{words.wall.notCounting(today.excused, today.unknown)}</span>
        )}
      </Fact>
      <Fact name={words.wall.incidents}>
        <Link href="/incidents">
          {incidents.length === 0 ? (
            <Mark icon={CircleCheck} tone="ok">
              {words.wall.noIncidents}
            </Mark>
          ) : (
            <Mark
              icon={OctagonAlert}
              tone={incidents.some((each) => each.status === 'open') ? 'not_captured' : 'excused'}
            >
              {String(incidents.length)}
            </Mark>
          )}
        </Link>
      </Fact>
      <Fact name={words.wall.receiver}>{stale ? <NotKnown /> : <Receiver summary={summary} />}</Fact>
      <Fact name={words.wall.spool}>
        {stale ? (
          <NotKnown />
        ) : own.spool === null ? (
          <span className="quiet">–</span>
        ) : own.spool.entries === 0 ? (
          words.wall.spoolEmpty
        ) : (
          <Mark icon={OctagonAlert} tone="late">
            {words.wall.spoolWaiting(own.spool.entries)}
          </Mark>
        )}
      </Fact>
      <Fact name={words.wall.lastAudit}>{lastDone ? <Age at={lastDone} /> : words.wall.noAudit}</Fact>
      <Fact name={words.wall.vendor} {...(failed?.error ? { hint: failed.error } : {})}>
        {stale ? (
          <NotKnown />
        ) : failed ? (
          <FailedMark>{words.wall.notReachable}</FailedMark>
        ) : audits.length === 0 ? (
          <span className="quiet">–</span>
        ) : (
          <Mark icon={CircleCheck} tone="ok">
            {words.wall.reachable}
          </Mark>
        )}
      </Fact>
      <Fact
        wide
        name={words.wall.domains}
        hint={domains
          .map((each) => each.domain.slice(0, 200))
          .slice(0, 20)
          .join(', ')}
      >
        {domains.length === 1 ? <Name>{domains[0]?.domain ?? ''}</Name> : domains.length}
        <span className="quiet">{words.common.streamCount(streams)}</span>
      </Fact>
    </dl>
  );
}

/** How it was when we last heard of it says nothing of now. */
function NotKnown() {
  const words = useWords();
  return (
    <Mark icon={CircleQuestionMark} tone="unknown">
      {words.statuses.unknown}
    </Mark>
  );
}

function Receiver({ summary: { own, at } }: { summary: WallChange['summary'] }) {
  const words = useWords();
  if (own.databaseDownSince) {
    return (
      <span className="tone-not_captured">
        {words.wall.databaseAway} <When at={own.databaseDownSince} detail="time" />
      </span>
    );
  }
  const aliveUntil = own.aliveUntil ? new Date(own.aliveUntil).getTime() : null;
  if (aliveUntil === null || new Date(at).getTime() - aliveUntil > BLIND_AFTER_MS) {
    return (
      <span className="tone-not_captured">
        {words.wall.blindSince} {own.aliveUntil ? <When at={own.aliveUntil} detail="time" /> : '–'}
      </span>
    );
  }
  return (
    <Mark icon={CircleCheck} tone="ok">
      {words.wall.receiving}
    </Mark>
  );
}

function Fact({
  name,
  hint,
  wide = false,
  children,
}: {
  name: string;
  hint?: string;
  /** For what may be long. */
  wide?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={wide ? 'fact wide' : 'fact'} title={hint?.slice(0, 400)}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { usePathname } from 'wouter/use-browser-location';
import { fromPathSegment } from '../../../core/path-segment.ts';
import type { Verdict } from '../../../core/verdict.ts';
import { type Gap, get, type Stream, streamPath, type Timeline } from '../api.ts';
import { useAddress } from '../parts/address.ts';
import { GapTable } from '../parts/gap-table.tsx';
import { Name, StatusMark, VerdictMark } from '../parts/marks.tsx';
import { More } from '../parts/more.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Age, formatTime, percentText, Span, utcText, When } from '../parts/time.tsx';
import { usePages } from '../parts/use-pages.ts';
import { useWall } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';
import { MonthCalendar, monthOf } from './month-calendar.tsx';
import { Pictures } from './pictures.tsx';
import { SlotDrawer } from './slot-drawer.tsx';
import { useStreamWindow } from './stream-window.ts';
import { TimelineChart } from './timeline-chart.tsx';
import { DRAWN_VERDICTS } from './timeline-option.ts';
import { usePointed } from './use-pointed.ts';
import { modeOf, WindowTools } from './window-tools.tsx';

/** Where no config was in force there may be pictures all the same. */
const ASSUMED_INTERVAL_SECONDS = 10;

export default function StreamPage() {
  const words = useWords();
  const key = useStreamKey();
  usePageTitle(key?.stream ?? '');
  if (!key) return <Empty title={words.common.notFound} />;
  return <StreamView key={JSON.stringify(key)} stream={key} />;
}

/** The names as they stand in the path, decoded once; names may hold anything, a slash too. */
function useStreamKey() {
  const pathname = usePathname();
  return useMemo(() => {
    const [, page, ...names] = pathname.split('/');
    try {
      const [domain, app, stream] = names.map((segment) => fromPathSegment(decodeURIComponent(segment)));
      return page === 'streams' && domain && app && stream ? { domain, app, stream } : null;
    } catch {
      return null;
    }
  }, [pathname]);
}

function StreamView({ stream: key }: { stream: { domain: string; app: string; stream: string } }) {
  const words = useWords();
  const [search, setSearch] = useAddress();
  const window = useStreamWindow(search, setSearch);
  const { from, to } = window;
  const [cursor, setCursor] = useState<number | null>(null);
  const pointed = usePointed();
  const at = search.get('at');
  // Without one the service answers with a mode that the config in force has.
  const asked = modeOf(search);
  const bounds = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const revision = useWall((state) => Math.floor(state.revision / 5));

  const stream = useQuery({
    queryKey: ['stream', key, revision],
    queryFn: ({ signal }) => get<Stream>(streamPath(key), {}, signal),
    placeholderData: keepPreviousData,
  });
  const timeline = useQuery({
    queryKey: ['timeline', key, bounds, asked, window.following ? revision : 0],
    queryFn: ({ signal }) =>
      get<Timeline>(`${streamPath(key)}/timeline`, { ...bounds, mode: asked, parts: 480 }, signal),
    placeholderData: keepPreviousData,
  });
  // A window that follows the clock is asked for by its length, or the list would begin anew with each step.
  const gapWindow = window.following ? { last: `${(to - from) / 1_000}s` } : bounds;
  const gaps = usePages<Gap>('/gaps', { ...key, ...gapWindow }, window.following ? revision : 0);

  const open = useCallback(
    (instant: number | null) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        if (instant === null) next.delete('at');
        else next.set('at', new Date(instant).toISOString());
        return next;
      }),
    [setSearch],
  );
  const choose = (mode: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      next.set('mode', mode);
      return next;
    });
  const pick = (instant: number) => {
    if (timeline.data?.slots) open(instant);
    else window.zoomTo(instant);
  };

  const { zoom, move } = window;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== document.body) return;
      if (event.key === '+' || event.key === '=') zoom(0.5);
      else if (event.key === '-') zoom(2);
      else if (event.key === 'ArrowLeft') move(-0.5);
      else if (event.key === 'ArrowRight') move(0.5);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [zoom, move]);

  if (stream.isError) return <Failure error={stream.error} retry={() => stream.refetch()} />;
  if (!stream.data) return <Loading />;
  const shares = timeline.data ? countVerdicts(timeline.data) : null;
  const coverage = shares ? coverageOf(shares) : null;
  return (
    <>
      <div className="page-head">
        <h1 className="path">
          <Name>{key.stream}</Name>
        </h1>
        <StatusMark status={stream.data.status} intervalSeconds={stream.data.intervalSeconds} />
        <span className="path quiet">
          <Name>{key.domain}</Name> / <Name>{key.app}</Name>
        </span>
        <span className="quiet">
          {stream.data.intervalSeconds === null
            ? words.stream.nothingExpected
            : words.stream.expected(stream.data.intervalSeconds)}
        </span>
        {stream.data.lastCaptureAt && (
          <span className="quiet">
            {words.wall.lastPicture}: <Age at={stream.data.lastCaptureAt} />
          </span>
        )}
      </div>

      <div ref={pointed.ref}>
        <section className="panel">
          <h2>
            <span>
              <When at={from} /> – <When at={to} />
            </span>
            <span className="quiet">
              <Span ms={to - from} />
            </span>
            <WindowTools window={window} shown={timeline.data} onMode={choose} />
          </h2>
          <div className="panel-body">
            {timeline.isError ? (
              <Failure error={timeline.error} retry={() => timeline.refetch()} />
            ) : timeline.data ? (
              <>
                <p className="readout" aria-hidden>
                  <Readout timeline={timeline.data} cursor={cursor} />
                </p>
                <TimelineChart
                  timeline={timeline.data}
                  label={words.stream.timelineLabel(
                    percentText(coverage, words.locale),
                    gaps.rows.length,
                    gaps.hasNextPage,
                  )}
                  onCursor={(instant) => {
                    setCursor(instant);
                    pointed.onCursor(instant);
                  }}
                  onPick={pick}
                  onSpan={window.set}
                />
                <ul className="legend" aria-label={words.stream.legend}>
                  <li>
                    {words.common.coverage} <b>{percentText(coverage, words.locale)}</b>
                  </li>
                  {DRAWN_VERDICTS.filter((verdict) => shares && shares[verdict] >= 0.5).map((verdict) => (
                    <li key={verdict}>
                      <span className={`swatch fill-${verdict}`} aria-hidden />
                      <VerdictMark verdict={verdict} />{' '}
                      {Math.round(shares?.[verdict] ?? 0).toLocaleString(words.locale)}
                    </li>
                  ))}
                  {timeline.data.blind.length > 0 && <li>{words.stream.blind}</li>}
                </ul>
              </>
            ) : (
              <Loading />
            )}
          </div>
        </section>

        <Pictures
          stream={key}
          from={from}
          to={to}
          intervalSeconds={timeline.data?.intervalSeconds ?? ASSUMED_INTERVAL_SECONDS}
          cursor={pointed.at}
          onPick={open}
        />
      </div>
      <div className="two">
        <section className="panel">
          <h2>{words.stream.gaps}</h2>
          {gaps.isError ? (
            <Failure error={gaps.error} retry={() => gaps.refetch()} />
          ) : gaps.isPending ? (
            <Loading />
          ) : gaps.rows.length === 0 ? (
            <p className="panel-body quiet">{words.stream.noGaps}</p>
          ) : (
            <GapTable gaps={gaps.rows} withStream={false} />
          )}
          <More query={gaps} />
        </section>
        <MonthCalendar key={monthOf(to - 1)} stream={key} month={monthOf(to - 1)} onDay={window.set} />
      </div>
      <SlotDrawer stream={key} at={at} mode={asked} window={window} onMove={open} />
    </>
  );
}

/** What lies under the pointer, in words. */
function Readout({ timeline, cursor }: { timeline: Timeline; cursor: number | null }) {
  const words = useWords();
  if (cursor === null)
    return <span className="quiet">{timeline.slots ? words.stream.hintSlots : words.stream.hintParts}</span>;
  const near = timeline.slots ? nearest(timeline.slots, cursor) : null;
  const part = timeline.parts.find((each) => {
    const start = new Date(each.at).getTime();
    return cursor >= start && cursor < start + timeline.partMs;
  });
  return (
    <>
      <b title={utcText(cursor)}>{formatTime(near ? near.at : cursor, 'full', words.locale)}</b>{' '}
      {near ? (
        <VerdictMark verdict={near.verdict} />
      ) : part ? (
        DRAWN_VERDICTS.filter((verdict) => part.slots[verdict] >= 0.5)
          .map((verdict) => `${words.verdicts[verdict]} ${Math.round(part.slots[verdict])}`)
          .join(' · ')
      ) : (
        words.wall.nothingDue
      )}
    </>
  );
}

function nearest<S extends { at: string }>(slots: readonly S[], at: number): S | null {
  let best: S | null = null;
  let distance = Number.POSITIVE_INFINITY;
  for (const slot of slots) {
    const away = Math.abs(new Date(slot.at).getTime() - at);
    if (away < distance) {
      best = slot;
      distance = away;
    }
  }
  return best;
}

type Shares = Record<Verdict, number>;

function countVerdicts(timeline: Timeline): Shares {
  const shares = Object.fromEntries(DRAWN_VERDICTS.map((verdict) => [verdict, 0])) as Shares;
  if (timeline.slots) for (const slot of timeline.slots) shares[slot.verdict]++;
  else for (const part of timeline.parts) for (const verdict of DRAWN_VERDICTS) shares[verdict] += part.slots[verdict];
  return shares;
}

function coverageOf(shares: Shares): number | null {
  const counted =
    shares.ok + shares.late + shares.callback_missing + shares.object_missing + shares.not_captured + shares.misnamed;
  return counted < 0.5 ? null : shares.ok / counted;
}

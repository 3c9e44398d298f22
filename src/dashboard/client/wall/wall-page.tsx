import { Button, TextInput } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type RefObject, useCallback, useDeferredValue, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { STREAM_STATUSES, type StreamStatus } from '../../../core/stream-status.ts';
import type { WallGroup } from '../../../core/wall-order.ts';
import type { LiveIncident, WallStream } from '../api.ts';
import { useAddress } from '../parts/address.ts';
import { Search } from '../parts/icons.ts';
import { Name, StatusMark } from '../parts/marks.tsx';
import { usePageTitle } from '../parts/page-title.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useWords } from '../words/language.tsx';
import { arrangeWall } from './arrange-wall.ts';
import { incidentOfStream } from './incident-of-stream.ts';
import { StreamCard } from './stream-card.tsx';
import { WallHeader } from './wall-header.tsx';
import { keyOf, useWall } from './wall-store.ts';

export function WallPage() {
  const words = useWords();
  usePageTitle(words.wall.title);
  const summary = useWall((state) => state.summary);
  const streams = useWall((state) => state.streams);
  const stripFrom = useWall((state) => state.stripFrom);
  const whole = useWall((state) => state.whole);
  const error = useWall((state) => state.error);
  const [search, setSearch] = useAddress();
  const text = search.get('q') ?? '';
  const statuses = search.getAll('status').filter(isStatus).join(',');
  const filter = useDeferredValue(
    useMemo(() => ({ text, status: new Set(statuses.split(',').filter(isStatus)) }), [text, statuses]),
  );
  const groups = useMemo(() => arrangeWall(streams.values(), filter), [streams, filter]);

  if (summary === null || stripFrom === null) return error ? <Failure error={error} /> : <Loading />;

  const counts = summary.statuses;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const filtered = filter.text !== '' || filter.status.size > 0;
  const shown = filtered ? groups.reduce((sum, group) => sum + group.streams.length, 0) : total;

  const change = (apply: (next: URLSearchParams) => void) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        apply(next);
        return next;
      },
      { replace: true },
    );
  const toggle = (status: StreamStatus) =>
    change((next) => {
      const chosen = new Set(next.getAll('status'));
      if (!chosen.delete(status)) chosen.add(status);
      next.delete('status');
      for (const each of chosen) next.append('status', each);
    });

  return (
    <>
      <h1 className="visually-hidden">{words.wall.title}</h1>
      <WallHeader summary={summary} />
      <div className="toolbar">
        <TextInput
          className="search"
          size="xs"
          type="search"
          leftSection={<Search size={14} aria-hidden />}
          placeholder={words.wall.search}
          aria-label={words.wall.search}
          value={text}
          data-search
          onChange={(event) => {
            const { value } = event.currentTarget;
            change((next) => (value ? next.set('q', value) : next.delete('q')));
          }}
        />
        <fieldset className="chips" aria-label={words.common.filter}>
          {STREAM_STATUSES.filter((status) => counts[status] > 0 || filter.status.has(status)).map((status) => (
            <button
              key={status}
              type="button"
              className="chip"
              aria-pressed={filter.status.has(status)}
              onClick={() => toggle(status)}
            >
              <StatusMark status={status} /> <b>{counts[status].toLocaleString(words.locale)}</b>
            </button>
          ))}
        </fieldset>
        <span className="quiet" aria-live="polite">
          {(whole || !filtered) && words.wall.shown(shown, total)}
        </span>
      </div>
      {!whole && filtered ? (
        <Loading />
      ) : total === 0 ? (
        <Empty title={words.wall.empty} hint={words.wall.emptyHint} />
      ) : shown === 0 ? (
        <Empty title={words.wall.nothingFound}>
          <Button size="xs" variant="default" onClick={() => setSearch({}, { replace: true })}>
            {words.wall.clear}
          </Button>
        </Empty>
      ) : (
        <Cards groups={groups} whole={whole} stripFrom={stripFrom} incidents={summary.incidents} />
      )}
    </>
  );
}

/** Known before the first frame: an observer alone speaks a frame or two later, behind whatever came in between. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watched = element.current;
    if (!watched) return;
    const measure = () => setWidth(watched.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(watched);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

function isStatus(text: string): text is StreamStatus {
  return (STREAM_STATUSES as readonly string[]).includes(text);
}

const CARD_MIN_WIDTH = 250;
const CARD_HEIGHT = 84;
const HEADER_HEIGHT = 38;
const GAP = 8;

type Groups = WallGroup<WallStream>[];
type Row = { kind: 'header'; group: Groups[number] } | { kind: 'cards'; streams: WallStream[] };

/** Only what the window shows is in the document: 10,000 streams scroll like forty. */
function Cards({
  groups,
  whole,
  stripFrom,
  incidents,
}: {
  groups: Groups;
  whole: boolean;
  stripFrom: string;
  incidents: LiveIncident[];
}) {
  const list = useRef<HTMLDivElement>(null);
  const width = useWidth(list);
  const columns = Math.max(1, Math.floor((width + GAP) / (CARD_MIN_WIDTH + GAP)));
  const rows = useMemo(() => rowsOf(groups, columns), [groups, columns]);
  const byStream = useMemo(() => incidentOfStream(incidents), [incidents]);
  // Another function for other rows: where groups change places, what was a header may be cards now, and of another height.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  const getItemKey = useCallback((index: number) => index, [rows]);
  const virtual = useWindowVirtualizer({
    getItemKey,
    count: width === 0 ? 0 : rows.length,
    estimateSize: (index) => (rows[index]?.kind === 'header' ? HEADER_HEIGHT : CARD_HEIGHT + GAP),
    overscan: 2,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    scrollMargin: list.current?.offsetTop ?? 0,
  });
  return (
    <div ref={list}>
      <div className="wall" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const top = item.start - virtual.options.scrollMargin;
          return (
            <div key={item.key} className="wall-row" style={{ transform: `translateY(${top}px)`, height: item.size }}>
              {row.kind === 'header' ? (
                <GroupHeader group={row.group} whole={whole} />
              ) : (
                <div className="cards" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
                  {row.streams.map((stream) => (
                    <StreamCard key={keyOf(stream)} stream={stream} stripFrom={stripFrom} incident={byStream(stream)} />
                  ))}
                </div>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function GroupHeader({ group, whole }: { group: Groups[number]; whole: boolean }) {
  const words = useWords();
  return (
    <h2 className="group">
      <Name>{group.domain}</Name>
      <span className="quiet" aria-hidden>
        /
      </span>
      <Name>{group.app}</Name>
      {whole && <span className="quiet">{words.common.streamCount(group.streams.length)}</span>}
    </h2>
  );
}

function rowsOf(groups: Groups, columns: number): Row[] {
  const rows: Row[] = [];
  for (const group of groups) {
    rows.push({ kind: 'header', group });
    for (let at = 0; at < group.streams.length; at += columns) {
      rows.push({ kind: 'cards', streams: group.streams.slice(at, at + columns) });
    }
  }
  return rows;
}

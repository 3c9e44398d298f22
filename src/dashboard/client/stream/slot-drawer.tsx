import { Button, Drawer } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { get, type ObjectLook, type SlotView, streamPath } from '../api.ts';
import { ChevronLeft, ChevronRight, Copy, LinkIcon } from '../parts/icons.ts';
import { causeWord, Name, VerdictMark } from '../parts/marks.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { formatTime, When } from '../parts/time.tsx';
import { useInert } from '../parts/use-inert.ts';
import { useWords } from '../words/language.tsx';
import { CopyButton } from './copy-button.tsx';
import { CapturePicture, Picture } from './picture.tsx';
import { withWindow } from './stream-window.ts';
import { CallbackWitness, IndexWitness, ObjectWitness } from './witnesses.tsx';

interface DrawerProps {
  stream: { domain: string; app: string; stream: string };
  /** null: closed. */
  at: string | null;
  /** null: as the service chooses. */
  mode: 'sequence' | 'overwrite' | null;
  /** Stands behind the drawer, and in a link to it. */
  window: { from: number; to: number };
  onMove: (at: number | null) => void;
}

/** One slot: what each witness says, and how the verdict follows from it. Its address can be shared. */
export function SlotDrawer(props: DrawerProps) {
  const words = useWords();
  useInert(props.at !== null);
  return (
    <Drawer
      opened={props.at !== null}
      onClose={() => props.onMove(null)}
      position="right"
      size={920}
      title={words.slot.title}
      closeButtonProps={{ 'aria-label': words.common.close }}
      transitionProps={{ duration: 0 }}
    >
      {props.at !== null && <SlotProof {...props} at={props.at} />}
    </Drawer>
  );
}

function SlotProof({ stream, at, mode, window, onMove }: DrawerProps & { at: string }) {
  const words = useWords();
  const slot = useQuery({
    queryKey: ['slot', stream, at, mode],
    queryFn: ({ signal }) => get<SlotView>(`${streamPath(stream)}/slots/${at}`, { mode }, signal),
    placeholderData: keepPreviousData,
  });
  const view = slot.data;
  const place = view?.place ?? null;
  const object = useQuery({
    queryKey: ['object', stream, view?.slot.at, mode],
    queryFn: ({ signal }) =>
      get<ObjectLook>(`${streamPath(stream)}/slots/${view?.slot.at ?? at}/object`, { mode }, signal),
    enabled: place !== null,
    retry: false,
    staleTime: 60_000,
  });

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const neighbour =
        event.key === 'ArrowLeft' || event.key === 'k'
          ? view?.previous
          : event.key === 'ArrowRight' || event.key === 'j'
            ? view?.next
            : null;
      if (neighbour) onMove(new Date(neighbour.at).getTime());
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [view, onMove]);

  if (slot.isError) {
    return slot.error instanceof Error && 'status' in slot.error && slot.error.status === 404 ? (
      <Empty title={words.slot.notFound} />
    ) : (
      <Failure error={slot.error} retry={() => slot.refetch()} />
    );
  }
  if (!view) return <Loading />;
  const { verdict, cause } = view.slot;
  return (
    <div className="slot">
      <div className="slot-nav">
        <Neighbour
          slot={view.previous}
          label={words.slot.previous}
          onMove={onMove}
          icon={<ChevronLeft size={14} aria-hidden />}
        />
        <strong>
          <When at={view.slot.at} />
        </strong>
        <Neighbour
          slot={view.next}
          label={words.slot.next}
          onMove={onMove}
          icon={<ChevronRight size={14} aria-hidden />}
        />
      </div>
      <p className="slot-verdict">
        <VerdictMark verdict={verdict} />
        {cause && cause !== verdict && <b>{causeWord(cause, words.causes)}</b>}
      </p>
      <p>
        {words.verdictReasons[verdict]}
        {cause && cause !== 'not_captured' && ` ${words.causeReasons[cause]}`}
      </p>
      {view.gap && (
        <p className="quiet">
          {words.slot.partOf(view.gap.slots)}: <When at={view.gap.from} /> – <When at={view.gap.to} />
          {view.gap.reason && (
            <>
              {' · '}
              <Name>{view.gap.reason}</Name>
            </>
          )}
        </p>
      )}
      {view.blind.length > 0 && <p className="tone-unknown">{words.slot.blindThen}</p>}

      {(place !== null || view.capture) && (
        <Picture
          url={object.data?.url ?? null}
          failed={object.isError || object.data?.found === null}
          alt={words.stream.capturedAt(formatTime(view.slot.at, 'full', words.locale))}
        />
      )}

      <div className="witnesses">
        <CallbackWitness view={view} />
        <ObjectWitness view={view} look={object.data ?? null} error={object.error} />
        <IndexWitness stream={stream} view={view} />
      </div>

      <div className="neighbours">
        <NeighbourPicture capture={view.previousCapture} label={words.slot.previousPicture} onMove={onMove} />
        <NeighbourPicture capture={view.nextCapture} label={words.slot.nextPicture} onMove={onMove} />
      </div>
      <CopyButtons view={view} object={object.data ?? null} linkTo={window} />
    </div>
  );
}

function Neighbour({
  slot,
  label,
  icon,
  onMove,
}: {
  slot: { at: string } | null;
  label: string;
  icon: ReactNode;
  onMove: (at: number) => void;
}) {
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={icon}
      disabled={slot === null}
      onClick={() => slot && onMove(new Date(slot.at).getTime())}
    >
      {label}
    </Button>
  );
}

function NeighbourPicture({
  capture,
  label,
  onMove,
}: {
  capture: SlotView['previousCapture'];
  label: string;
  onMove: (at: number) => void;
}) {
  const words = useWords();
  return (
    <div>
      <h3>{label}</h3>
      {capture ? (
        <button type="button" className="bare" onClick={() => onMove(new Date(capture.capturedAt).getTime())}>
          <CapturePicture
            capture={capture}
            alt={words.stream.capturedAt(formatTime(capture.capturedAt, 'full', words.locale))}
          />
          <When at={capture.capturedAt} />
        </button>
      ) : (
        <p className="quiet">{words.slot.noPicture}</p>
      )}
    </div>
  );
}

function CopyButtons({
  view,
  object,
  linkTo,
}: {
  view: SlotView;
  object: ObjectLook | null;
  linkTo: { from: number; to: number };
}) {
  const words = useWords();
  const link = () => {
    const { origin, pathname, search } = globalThis.location;
    return `${origin}${pathname}?${withWindow(new URLSearchParams(search), linkTo.from, linkTo.to)}`;
  };
  return (
    <div className="slot-nav">
      <CopyButton
        label={words.common.copyJson}
        icon={<Copy size={14} aria-hidden />}
        text={() => JSON.stringify({ ...view, object: withoutUrl(object) }, null, 2)}
      />
      <CopyButton label={words.common.copyLink} icon={<LinkIcon size={14} aria-hidden />} text={link} />
    </div>
  );
}

/** The signed URL lets anyone fetch the picture for some minutes: it is nothing to pass on. */
function withoutUrl(object: ObjectLook | null) {
  if (!object) return null;
  const { url: _, ...rest } = object;
  return rest;
}

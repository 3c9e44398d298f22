import { ActionIcon, Button, SegmentedControl } from '@mantine/core';
import { ChevronLeft, ChevronRight, ZoomIn, ZoomOut } from '../parts/icons.ts';
import { useWords } from '../words/language.tsx';
import type { StreamWindow } from './stream-window.ts';

const MODES = ['sequence', 'overwrite'] as const;
export type Mode = (typeof MODES)[number];

/** The mode that the address names; null where it leaves the choice to the service. */
export function modeOf(search: URLSearchParams): Mode | null {
  return MODES.find((mode) => mode === search.get('mode')) ?? null;
}

/** Where in time, how much of it, and which mode where there are two. */
export function WindowTools({
  window,
  shown,
  onMode,
}: {
  window: StreamWindow;
  shown: { mode: Mode; modes: readonly Mode[] } | undefined;
  onMode: (mode: string) => void;
}) {
  const words = useWords();
  const modes = MODES.filter((mode) => shown?.modes.includes(mode) || mode === shown?.mode);
  const { move, zoom } = window;
  return (
    <span className="end window-tools">
      {modes.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={words.stream.mode}
          value={shown?.mode ?? ''}
          onChange={onMode}
          data={modes.map((mode) => ({ value: mode, label: words.stream.modes[mode] }))}
        />
      )}
      <ActionIcon variant="default" size="sm" aria-label={words.stream.earlier} onClick={() => move(-0.5)}>
        <ChevronLeft size={14} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="default" size="sm" aria-label={words.stream.later} onClick={() => move(0.5)}>
        <ChevronRight size={14} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="default" size="sm" aria-label={words.stream.zoomOut} onClick={() => zoom(2)}>
        <ZoomOut size={14} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="default" size="sm" aria-label={words.stream.zoomIn} onClick={() => zoom(0.5)}>
        <ZoomIn size={14} aria-hidden />
      </ActionIcon>
      <SegmentedControl
        size="xs"
        aria-label={words.stream.window}
        value={window.preset ?? ''}
        onChange={(preset) => window.choose(preset)}
        data={[
          { value: 'month', label: words.stream.month },
          { value: 'week', label: words.stream.week },
          { value: 'day', label: words.stream.day },
          { value: 'hour', label: words.stream.hour },
          { value: 'tenMinutes', label: words.stream.tenMinutes },
        ]}
      />
      <Button size="compact-xs" variant="default" disabled={window.following} onClick={window.follow}>
        {words.stream.toNow}
      </Button>
    </span>
  );
}

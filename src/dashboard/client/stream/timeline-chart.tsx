import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { BarChart, CustomChart } from 'echarts/charts';
import { BrushComponent, GridComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef, useState } from 'react';
import type { Timeline } from '../api.ts';
import { useWords } from '../words/language.tsx';
import { LANES, readTones, timelineOption } from './timeline-option.ts';

echarts.use([BarChart, CustomChart, GridComponent, BrushComponent, CanvasRenderer]);

/** Under so many pixels a press is a click, not a choice of a span. */
const CLICK_PX = 5;

/** Sessions and configs above, slots below; a click picks an instant, a drag a span. */
export function TimelineChart({
  timeline,
  label,
  onCursor,
  onPick,
  onSpan,
}: {
  timeline: Timeline;
  label: string;
  onCursor: (at: number | null) => void;
  onPick: (at: number) => void;
  onSpan: (from: number, to: number) => void;
}) {
  const words = useWords();
  const scheme = useComputedColorScheme('light');
  const { ref, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<echarts.ECharts | null>(null);
  const told = useRef({ onCursor, onPick, onSpan });
  told.current = { onCursor, onPick, onSpan };

  useEffect(() => {
    if (!host.current || width === 0) return;
    const made = echarts.init(host.current, null, { renderer: 'canvas', width, height: LANES.height });
    const atOf = (x: number) => Number(made.convertFromPixel({ xAxisIndex: 2 }, x));
    let pressedX: number | null = null;
    const pointer = made.getZr();
    pointer.on('mousemove', (event) => told.current.onCursor(atOf(event.offsetX)));
    pointer.on('globalout', () => told.current.onCursor(null));
    pointer.on('mousedown', (event) => {
      pressedX = event.offsetX;
    });
    pointer.on('mouseup', (event) => {
      if (pressedX === null) return;
      const [start, end] = [Math.min(pressedX, event.offsetX), Math.max(pressedX, event.offsetX)];
      pressedX = null;
      if (end - start < CLICK_PX) told.current.onPick(atOf(end));
      else told.current.onSpan(atOf(start), atOf(end));
    });
    setChart(made);
    return () => {
      made.dispose();
      setChart(null);
    };
  }, [width]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another colour scheme means other colours behind the same names
  useEffect(() => {
    if (!chart || chart.isDisposed()) return;
    const option = timelineOption(timeline, { words, tones: readTones(), now: Date.now(), width });
    chart.setOption(option, { notMerge: true });
    chart.dispatchAction({
      type: 'takeGlobalCursor',
      key: 'brush',
      brushOption: { brushType: 'lineX', brushMode: 'single' },
    });
  }, [chart, timeline, words, scheme, width]);

  return (
    <div ref={ref} className="timeline" role="img" aria-label={label}>
      <div ref={host} style={{ height: LANES.height }} />
    </div>
  );
}

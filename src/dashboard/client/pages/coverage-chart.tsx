import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { BarChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import type { Coverage } from '../api.ts';
import { readTones } from '../stream/timeline-option.ts';
import { useWords } from '../words/language.tsx';

echarts.use([BarChart, GridComponent, CanvasRenderer]);

const DAY_MS = 86_400_000;
const HEIGHT = 170;

/** Coverage of each day as bars that begin at the worst day, so that the last percent is seen. */
export function CoverageChart({
  rows,
  from,
  to,
  label,
}: {
  rows: Coverage[];
  from: number;
  to: number;
  label: string;
}) {
  const words = useWords();
  const scheme = useComputedColorScheme('light');
  const { ref, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another colour scheme means other colours behind the same names
  useEffect(() => {
    if (!host.current || width === 0) return;
    const chart = echarts.init(host.current, null, { renderer: 'canvas', width, height: HEIGHT });
    const tones = readTones();
    const byDay = new Map(rows.map((row) => [new Date(row.from).getTime(), row.coverage]));
    const days = Array.from({ length: Math.round((to - from) / DAY_MS) }, (_, index) => from + index * DAY_MS);
    const shares = days.map((day) => byDay.get(day) ?? null);
    const worst = Math.min(...shares.filter((share) => share !== null), 1);
    const floor = Math.max(0, Math.floor((worst - 0.02) * 20) / 20);
    chart.setOption({
      animation: false,
      grid: { left: 46, right: 8, top: 10, bottom: 24 },
      xAxis: {
        type: 'category',
        data: days.map((day) => String(new Date(day).getUTCDate())),
        axisLabel: { color: tones.quiet, fontSize: 11 },
        axisLine: { lineStyle: { color: tones.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        min: floor,
        max: 1,
        axisLabel: {
          color: tones.quiet,
          fontSize: 11,
          formatter: (value: number) =>
            new Intl.NumberFormat(words.locale, { style: 'percent', maximumFractionDigits: 1 }).format(value),
        },
        splitLine: { lineStyle: { color: tones.line } },
      },
      series: [
        {
          type: 'bar',
          silent: true,
          barMaxWidth: 22,
          data: shares.map((share) =>
            share === null ? '-' : { value: share, itemStyle: { color: share === 1 ? tones['fill-ok'] : tones.late } },
          ),
        },
      ],
    });
    return () => chart.dispose();
  }, [rows, from, to, width, scheme, words]);
  return (
    <div ref={ref} role="img" aria-label={label}>
      <div ref={host} style={{ height: HEIGHT }} />
    </div>
  );
}

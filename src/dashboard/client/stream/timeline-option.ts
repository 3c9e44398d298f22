import type { CustomSeriesOption } from 'echarts/charts';
import type { EChartsCoreOption } from 'echarts/core';
import type { Verdict } from '../../../core/verdict.ts';
import type { Timeline } from '../api.ts';
import { formatTime } from '../parts/time.tsx';
import type { Dictionary } from '../words/en.ts';
import { VERDICT_DECALS } from './verdict-decals.ts';

/** From below upwards; what is worst lies on top, where the eye looks first. */
export const DRAWN_VERDICTS = [
  'ok',
  'excused',
  'unknown',
  'pending',
  'unexpected',
  'late',
  'misnamed',
  'callback_missing',
  'object_missing',
  'not_captured',
] as const satisfies readonly Verdict[];

export type Tones = Record<
  Verdict | 'text' | 'quiet' | 'line' | 'surface' | 'raised' | 'fill-ok' | 'fill-quiet',
  string
>;

/** The colours of styles/tones.css as they are now, for a canvas cannot read variables. */
export function readTones(): Tones {
  const style = getComputedStyle(document.documentElement);
  const names = [...DRAWN_VERDICTS, 'text', 'quiet', 'line', 'surface', 'raised', 'fill-ok', 'fill-quiet'] as const;
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Tones;
}

/** A single bad slot among hundreds must still be seen. */
const LEAST_HEIGHT = 0.14;

export const LANES = { left: 8, right: 8, sessions: 8, configs: 30, slots: 58, slotsHeight: 118, height: 206 };

interface Lane {
  from: number;
  to: number;
  color: string;
  text: string;
  decal?: object;
}

export function timelineOption(
  timeline: Timeline,
  { words, tones, now, width }: { words: Dictionary; tones: Tones; now: number; width: number },
): EChartsCoreOption {
  const from = time(timeline.from);
  const to = time(timeline.to);
  const plot = Math.max(1, width - LANES.left - LANES.right);
  const grids = [
    { left: LANES.left, right: LANES.right, top: LANES.sessions, height: 16 },
    { left: LANES.left, right: LANES.right, top: LANES.configs, height: 20 },
    { left: LANES.left, right: LANES.right, top: LANES.slots, height: LANES.slotsHeight },
  ];
  const bars = barsOf(timeline);
  const spanMs = timeline.slots && timeline.intervalSeconds ? timeline.intervalSeconds * 1_000 : timeline.partMs;
  const exact = (plot * spanMs) / (to - from);
  // Parts touch; slots stand apart where there is room.
  const barWidth = timeline.slots && exact >= 4 ? exact - 1 : Math.max(1, exact + 0.7);
  return {
    animation: false,
    grid: grids,
    xAxis: grids.map((_, gridIndex) => ({
      type: 'time',
      gridIndex,
      min: from,
      max: to,
      axisLine: { show: gridIndex === 2, lineStyle: { color: tones.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: {
        show: gridIndex === 2,
        color: tones.quiet,
        fontSize: 11,
        hideOverlap: true,
        formatter: (value: number) => axisText(value, to - from, words.locale),
      },
    })),
    yAxis: grids.map((_, gridIndex) => ({ type: 'value', gridIndex, min: 0, max: 1, show: false })),
    brush: {
      xAxisIndex: 2,
      brushType: 'lineX',
      brushMode: 'single',
      throttleType: 'debounce',
      throttleDelay: 100,
      brushStyle: { color: tones.raised, opacity: 0.5, borderColor: tones.quiet, borderWidth: 1 },
      toolbox: [],
    },
    series: [
      lanes(0, sessionLanes(timeline, tones, words, now), tones.text),
      lanes(1, configLanes(timeline, tones, words), tones.text),
      lanes(2, groundLanes(timeline, tones, words, now), tones.quiet),
      ...DRAWN_VERDICTS.filter((verdict) => bars.some(({ shares }) => shares[verdict])).map((verdict) => ({
        type: 'bar',
        name: words.verdicts[verdict],
        stack: 'slots',
        xAxisIndex: 2,
        yAxisIndex: 2,
        barWidth,
        barGap: '-100%',
        silent: true,
        data: bars.map(({ at, shares }) => [at, shares[verdict] ?? 0]),
        itemStyle: {
          color: verdict === 'ok' ? tones['fill-ok'] : verdict === 'pending' ? tones['fill-quiet'] : tones[verdict],
          ...(VERDICT_DECALS[verdict] && { decal: { ...VERDICT_DECALS[verdict], color: tones.surface } }),
        },
      })),
    ],
  };
}

function time(text: string): number {
  return new Date(text).getTime();
}

/** One bar a slot or a part, as shares of one by verdict; bars are stacked by their place in the list, so no list has a hole. */
function barsOf(timeline: Timeline): { at: number; shares: Partial<Record<Verdict, number>> }[] {
  if (timeline.slots) return timeline.slots.map((slot) => ({ at: time(slot.at), shares: { [slot.verdict]: 1 } }));
  return timeline.parts.map((part) => ({ at: time(part.at) + timeline.partMs / 2, shares: sharesOf(part.slots) }));
}

function sharesOf(slots: Record<Verdict, number>): Partial<Record<Verdict, number>> {
  const total = Object.values(slots).reduce((sum, count) => sum + count, 0);
  const others = DRAWN_VERDICTS.filter((verdict) => verdict !== 'ok' && slots[verdict] > 0);
  const raised = new Map(others.map((verdict) => [verdict, Math.max(LEAST_HEIGHT, slots[verdict] / total)]));
  const sum = [...raised.values()].reduce((all, height) => all + height, 0);
  const shares: Partial<Record<Verdict, number>> = {};
  for (const [verdict, height] of raised) shares[verdict] = sum > 1 ? height / sum : height;
  if (slots.ok > 0) shares.ok = Math.max(0, 1 - sum);
  return shares;
}

function lanes(index: number, data: Lane[], textColor: string): CustomSeriesOption {
  return {
    type: 'custom',
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    clip: true,
    z: index === 2 ? 1 : 2,
    data: data.map((lane) => [lane.from, lane.to]),
    renderItem: (params, api) => {
      const lane = data[params.dataIndex];
      if (!lane) return null;
      const frame = params.coordSys as unknown as { x: number; y: number; width: number; height: number };
      const start = Math.max(frame.x, api.coord([lane.from, 0])[0] ?? 0);
      const end = Math.min(frame.x + frame.width, api.coord([lane.to, 0])[0] ?? 0);
      if (end <= start) return null;
      const width = Math.max(2, end - start);
      return {
        type: 'rect',
        shape: { x: start, y: frame.y, width, height: frame.height, r: index === 2 ? 0 : 3 },
        style: { fill: lane.color, ...(lane.decal ? { decal: lane.decal as never } : {}) },
        ...(lane.text !== '' && width > (index === 2 ? 120 : 40)
          ? {
              textContent: {
                type: 'text',
                style: { text: lane.text, fill: textColor, fontSize: 11, width: width - 10, overflow: 'truncate' },
              },
              textConfig: { position: 'insideLeft' },
            }
          : {}),
      };
    },
  } satisfies CustomSeriesOption;
}

function sessionLanes(timeline: Timeline, tones: Tones, words: Dictionary, now: number): Lane[] {
  return timeline.sessions.map((session) => ({
    from: time(session.startedAt),
    to: session.endedAt === null ? Math.max(now, time(timeline.from)) : time(session.endedAt),
    color: tones['fill-quiet'],
    text: `${words.stream.sessions}: ${formatTime(session.startedAt, 'full', words.locale)} – ${
      session.endedAt === null ? words.common.ongoing : formatTime(session.endedAt, 'full', words.locale)
    }`,
  }));
}

function configLanes(timeline: Timeline, tones: Tones, words: Dictionary): Lane[] {
  return timeline.configs.map((config, index) => ({
    from: time(config.validFrom),
    to: config.validTo === null ? time(timeline.to) : time(config.validTo),
    color: index % 2 === 0 ? tones.raised : tones['fill-quiet'],
    text: config.absent
      ? words.stream.noConfig
      : `${words.stream.every(config.intervalSeconds)} · ${config.sequenceObject ?? config.overwriteObject ?? ''}`,
  }));
}

/** What lies under the slots: our blindness, excused spans, and what was not judged yet. */
function groundLanes(timeline: Timeline, tones: Tones, words: Dictionary, now: number): Lane[] {
  const auditedUntil = timeline.auditedUntil === null ? null : time(timeline.auditedUntil);
  return [
    ...timeline.excused.map((span) => ({
      from: time(span.from),
      to: time(span.to),
      color: fade(tones.excused),
      text: '',
    })),
    ...timeline.blind.map((span) => ({
      from: time(span.from),
      to: time(span.to),
      color: fade(tones.unknown),
      text: '',
    })),
    ...(auditedUntil !== null && auditedUntil < now
      ? [
          {
            from: auditedUntil,
            to: Math.min(now, time(timeline.to)),
            color: tones.raised,
            text: words.stream.notAudited,
          },
        ]
      : []),
  ];
}

function fade(color: string): string {
  return `${color}33`;
}

const DAY_MS = 86_400_000;

function axisText(value: number, spanMs: number, locale: string): string {
  if (spanMs > 4 * DAY_MS) return new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' }).format(value);
  if (spanMs > 4 * 3_600_000) return formatTime(value, 'minute', locale);
  return formatTime(value, 'time', locale);
}

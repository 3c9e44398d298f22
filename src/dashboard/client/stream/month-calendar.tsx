import { ActionIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Coverage, get, type Page } from '../api.ts';
import { ChevronLeft, ChevronRight } from '../parts/icons.ts';
import { percentText } from '../parts/time.tsx';
import { useWords } from '../words/language.tsx';

const DAY_MS = 86_400_000;

/** The start of the month (UTC) that holds the instant, or of one so many months on. */
export function monthOf(at: number, months = 0): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
}

/** A month (UTC), a cell a day, by coverage; a day opens its timeline. Begins at `month`; other months are a step away. */
export function MonthCalendar({
  stream,
  month,
  onDay,
}: {
  stream: { domain: string; app: string; stream: string };
  /** Its start. */
  month: number;
  onDay: (from: number, to: number) => void;
}) {
  const words = useWords();
  const [first, setFirst] = useState(month);
  const next = monthOf(first, 1);
  const name = new Intl.DateTimeFormat(words.locale, { month: 'short', year: 'numeric', timeZone: 'UTC' }).format(
    first,
  );
  const coverage = useQuery({
    queryKey: ['coverage', 'days', stream, first],
    queryFn: ({ signal }) =>
      get<Page<Coverage>>(
        '/coverage',
        { ...stream, from: new Date(first).toISOString(), to: new Date(next).toISOString(), per: 'day', limit: 40 },
        signal,
      ),
  });
  const byDay = new Map(coverage.data?.data.map((row) => [new Date(row.from).toISOString().slice(0, 10), row]));
  const days = Array.from({ length: Math.round((next - first) / DAY_MS) }, (_, index) => first + index * DAY_MS);
  const lead = (new Date(first).getUTCDay() + 6) % 7;
  return (
    <section className="panel">
      <h2>
        {words.stream.calendar}
        <span className="quiet end month">
          <ActionIcon
            variant="default"
            size="sm"
            aria-label={words.stream.monthBefore}
            onClick={() => setFirst(monthOf(first, -1))}
          >
            <ChevronLeft size={14} aria-hidden />
          </ActionIcon>
          {name} · UTC
          <ActionIcon
            variant="default"
            size="sm"
            aria-label={words.stream.nextMonth}
            disabled={next > Date.now()}
            onClick={() => setFirst(next)}
          >
            <ChevronRight size={14} aria-hidden />
          </ActionIcon>
        </span>
      </h2>
      <div className="panel-body">
        <ol className="calendar">
          {days.map((day, index) => {
            const row = byDay.get(new Date(day).toISOString().slice(0, 10));
            const label = `${new Intl.DateTimeFormat(words.locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(day)}: ${
              row ? percentText(row.coverage, words.locale) : words.wall.nothingDue
            }`;
            return (
              <li key={day} style={index === 0 ? { gridColumnStart: lead + 1 } : undefined}>
                <button
                  type="button"
                  className={`day ${levelOf(row?.coverage ?? null)}`}
                  title={label}
                  aria-label={label}
                  onClick={() => onDay(day, day + DAY_MS)}
                >
                  {index + 1}
                </button>
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}

function levelOf(coverage: number | null): string {
  if (coverage === null) return 'day-none';
  if (coverage === 1) return 'day-whole';
  if (coverage >= 0.999) return 'day-high';
  if (coverage >= 0.98) return 'day-fair';
  return 'day-low';
}

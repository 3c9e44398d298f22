export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(locale, options);
  formats.set(key, made);
  return made;
}

export type Detail = 'time' | 'date' | 'full' | 'minute';

const OPTIONS: Record<Detail, Intl.DateTimeFormatOptions> = {
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  date: { year: 'numeric', month: 'short', day: 'numeric' },
  minute: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  full: {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  },
};

/** The year stands there where it is not this one. In the viewer's zone where none is named. */
export function formatTime(at: number | string, detail: Detail, locale: string, timeZone = zone): string {
  const date = new Date(at);
  const dated = detail === 'minute' || detail === 'full';
  const yearOf = (each: Date) => format(locale, { year: 'numeric', timeZone }).format(each);
  const year = dated && yearOf(date) !== yearOf(new Date()) ? { year: 'numeric' as const } : {};
  return format(locale, { ...OPTIONS[detail], ...year, timeZone }).format(date);
}

export function utcText(at: number | string): string {
  return `${new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.000Z$/, '')
    .replace('Z', '')} UTC`;
}

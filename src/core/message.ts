import { isFlapping } from './flap.ts';
import { foundText, reasonText } from './found-words.ts';
import { type Incident, type IncidentScope, levelOf, type Severity } from './incident.ts';
import type { IncidentRules } from './incident-rules.ts';
import { formatInstant, type Instant } from './instant.ts';
import { type Locale, messageWords } from './message-words.ts';
import type { NotificationEvent } from './notification-status.ts';
import { toPathSegment } from './path-segment.ts';

/**
 * What a channel is to tell, without any markup: texts hold names and sentences of the outside world as they are, and
 * each channel escapes them for its own markup.
 */
export interface Message {
  event: NotificationEvent;
  severity: Severity;
  title: string;
  lines: MessageLine[];
  /** Several incidents in one message, a headline each; empty otherwise. */
  items: { title: string; text: string; url: string | null }[];
  more: { label: string; url: string } | null;
}

export interface MessageLine {
  label: string;
  text: string;
  url: string | null;
}

export interface MessageContext {
  locale: Locale;
  timeZone: string;
  /** Base of our pages without a trailing slash; null: messages carry no links. */
  publicUrl: string | null;
  now: Instant;
  rules: IncidentRules;
}

const SHOWN_ITEMS = 10;

/** The words about one incident: what, since when, how many of how many, cause, witnesses, last good picture, links. */
export function composeMessage(incident: Incident, event: NotificationEvent, context: MessageContext): Message {
  const words = messageWords(context.locale);
  const lines: MessageLine[] = [];
  const line = (label: string, text: string | null, url: string | null = null) => {
    if (text !== null && text !== '') lines.push({ label, text, url });
  };
  // A word that waited may tell of what is over by now.
  const resolved = event === 'resolved' || incident.status === 'resolved';
  const { facts } = incident;

  line(words.label.what, words.what[incident.kind]);
  if (resolved && incident.resolution) line(words.label.outcome, words.resolution[incident.resolution]);
  line(words.label.since, localTime(incident.since, context.timeZone));
  if (resolved) {
    const end = facts.until ?? incident.clearSince ?? incident.resolvedAt ?? context.now;
    line(words.label.duration, words.duration((end - incident.since) / 1000));
  }
  if (isAboutStreams(incident)) line(words.label.streams, words.streams(incident.affected, incident.total));
  if (incident.missed !== null && incident.expected !== null && incident.missed > 0) {
    line(words.label.slots, words.slots(incident.missed, Math.max(incident.expected, incident.missed)));
  }
  line(words.label.cause, causeText(incident, context.locale));
  line(words.label.witnesses, (facts.verdict && words.witnesses[facts.verdict]) ?? null);
  if (facts.lastGood) {
    const { at, stream } = facts.lastGood;
    const whose = levelOf(incident.scope) === 'stream' ? [] : [`${stream.app}/${stream.stream}`];
    const text = [...whose, localTime(at, context.timeZone)].join(' · ');
    line(words.label.lastGood, text, pictureUrl(incident, context.publicUrl));
  }
  if (facts.streams && levelOf(incident.scope) !== 'stream') {
    const hidden = incident.affected - facts.streams.length;
    line(words.label.affected, [...facts.streams, ...(hidden > 0 ? [words.andMore(hidden)] : [])].join(', '));
  }
  line(words.label.detail, facts.found ? foundText(facts.found, context.locale) : (facts.detail ?? null));
  if (!resolved && isFlapping(incident.reopenings, context.now, context.rules)) {
    line(words.label.flapping, words.flapping);
  }
  return {
    event,
    severity: incident.severity,
    title: titleOf(incident, event, context.locale),
    lines,
    items: [],
    more: moreLink(incidentUrl(incident.id, context.publicUrl), context.locale),
  };
}

/** Several incidents at once: a headline each, the first ten of them, and where the rest stands. */
export function composeDigest(
  told: readonly { incident: Incident; event: NotificationEvent }[],
  context: MessageContext,
): Message {
  const words = messageWords(context.locale);
  const worst = [...told].sort((a, b) => rank(b.incident.severity) - rank(a.incident.severity));
  const events = new Map<NotificationEvent, number>();
  for (const { event } of told) events.set(event, (events.get(event) ?? 0) + 1);
  const items = worst.slice(0, SHOWN_ITEMS).map(({ incident, event }) => ({
    title: titleOf(incident, event, context.locale),
    text: [localTime(incident.since, context.timeZone), causeText(incident, context.locale)]
      .filter(Boolean)
      .join(' · '),
    url: incidentUrl(incident.id, context.publicUrl),
  }));
  const hidden = told.length - items.length;
  return {
    event: told.every(({ event }) => event === 'resolved') ? 'resolved' : 'opened',
    severity: worst[0]?.incident.severity ?? 'info',
    title: `Snapaudit: ${words.digest(told.length)} (${[...events].map(([event, count]) => `${words.event[event]} ${count}`).join(', ')})`,
    lines: hidden > 0 ? [{ label: words.label.affected, text: words.andMore(hidden), url: null }] : [],
    items,
    more: moreLink(context.publicUrl === null ? null : `${context.publicUrl}/incidents`, context.locale),
  };
}

export function composeTest(channel: string, context: Pick<MessageContext, 'locale' | 'publicUrl'>): Message {
  const words = messageWords(context.locale);
  return {
    event: 'test',
    severity: 'info',
    title: words.testTitle,
    lines: [{ label: words.label.what, text: words.testText(channel), url: null }],
    items: [],
    more: moreLink(context.publicUrl, context.locale),
  };
}

/** The message without markup, for e-mail and for people reading the list of deliveries. */
export function plainText(message: Message): string {
  return [
    message.title,
    '',
    ...linesText(message.lines),
    ...message.items.map(({ title, text, url }) => `- ${title}\n  ${[text, url].filter(Boolean).join(' ')}`),
    ...(message.more ? ['', `${message.more.label}: ${message.more.url}`] : []),
  ].join('\n');
}

export function linesText(lines: readonly MessageLine[]): string[] {
  return lines.map(({ label, text, url }) => `${label}: ${text}${url ? ` ${url}` : ''}`);
}

export function scopeText(scope: IncidentScope, locale: Locale): string {
  const parts = [scope.domain, scope.app, scope.stream].filter((part) => part !== null);
  return parts.length > 0 ? parts.join('/') : messageWords(locale).everything;
}

export function titleOf(incident: Incident, event: NotificationEvent, locale: Locale): string {
  const words = messageWords(locale);
  const subject = [scopeText(incident.scope, locale), incident.key].filter(Boolean).join(' ');
  return `[${words.event[event]}] ${words.kind[incident.kind]}: ${subject}`;
}

export function incidentUrl(id: number, publicUrl: string | null): string | null {
  return publicUrl === null ? null : `${publicUrl}/incidents/${id}`;
}

/** Where the last good picture is shown; null where none is known, or no page of ours. */
export function pictureUrl({ facts }: Incident, publicUrl: string | null): string | null {
  if (publicUrl === null || !facts.lastGood) return null;
  const { at, stream: key } = facts.lastGood;
  const path = [key.domain, key.app, key.stream].map(toPathSegment).join('/');
  return `${publicUrl}/streams/${path}?at=${encodeURIComponent(formatInstant(at))}`;
}

function moreLink(url: string | null, locale: Locale): Message['more'] {
  return url === null ? null : { label: messageWords(locale).label.more, url };
}

function causeText(incident: Incident, locale: Locale): string | null {
  const words = messageWords(locale);
  if (incident.cause === null) return incident.kind === 'silence' ? words.suspected : null;
  return (words.cause as Record<string, string>)[incident.cause] ?? reasonText(incident.cause, locale);
}

function isAboutStreams(incident: Incident): boolean {
  return (
    incident.total > 0 && ['gap', 'silence', 'interval_drift', 'naming', 'pending_reingest'].includes(incident.kind)
  );
}

/** `2026-11-24 10:03:07 Asia/Shanghai` */
function localTime(instant: Instant, timeZone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(instant);
  return `${text} ${timeZone}`;
}

function rank(severity: Severity): number {
  return { info: 0, warning: 1, critical: 2 }[severity];
}

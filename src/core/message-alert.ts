import { createHash } from 'node:crypto';
import type { Incident } from './incident.ts';
import { formatInstant, type Instant } from './instant.ts';
import { composeMessage, incidentUrl, linesText, type MessageContext, pictureUrl, titleOf } from './message.ts';
import type { NotificationEvent } from './notification-status.ts';

/** One incident as Alertmanager writes alerts (webhook version 4 and API v2 share this form). */
export interface Alert {
  status: 'firing' | 'resolved';
  /** What tells the alert from others; the same from beginning to end. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** RFC 3339. */
  startsAt: string;
  /** RFC 3339; null while it is firing. */
  endsAt: string | null;
  generatorURL: string;
  /** 16 hex digits over the labels. */
  fingerprint: string;
}

export function alertOf(incident: Incident, event: NotificationEvent, context: MessageContext): Alert {
  const message = composeMessage(incident, event, context);
  const picture = pictureUrl(incident, context.publicUrl);
  const resolved = event === 'resolved';
  const { domain, app, stream } = incident.scope;
  const labels = Object.fromEntries(
    Object.entries({
      alertname: `Snapaudit${pascalCase(incident.kind === 'silence' ? 'gap' : incident.kind)}`,
      severity: incident.severity,
      domain,
      app,
      stream,
      key: incident.key || null,
    }).filter((entry): entry is [string, string] => entry[1] !== null),
  );
  const annotations = {
    summary: titleOf(incident, event, context.locale),
    description: linesText(message.lines).join('\n'),
    kind: incident.kind,
    incident: String(incident.id),
    ...(incident.cause ? { cause: incident.cause } : {}),
    ...(picture ? { picture } : {}),
  };
  return {
    status: resolved ? 'resolved' : 'firing',
    labels,
    annotations,
    startsAt: formatInstant(incident.since),
    endsAt: resolved ? formatInstant(endOf(incident, context.now)) : null,
    generatorURL: incidentUrl(incident.id, context.publicUrl) ?? '',
    fingerprint: createHash('sha256')
      .update(JSON.stringify(Object.entries(labels).sort()))
      .digest('hex')
      .slice(0, 16),
  };
}

function endOf(incident: Incident, now: Instant): Instant {
  return Math.max(incident.clearSince ?? incident.resolvedAt ?? now, incident.since + 1);
}

function pascalCase(kind: string): string {
  return kind
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

import { Webhook } from 'standardwebhooks';
import type { Alert } from '../../core/message-alert.ts';
import type { Channel, OutgoingMessage } from '../../ports.ts';
import type { AllowedPrivate } from './outgoing-guard.ts';
import { postJson } from './post-json.ts';

const MAX_ALERTS = 100;

/**
 * A generic webhook: the body of Alertmanager's webhook (version 4), the headers of Standard Webhooks. A receiver
 * verifies `webhook-signature` with the library of its language and drops a `webhook-id` that it has seen.
 */
export function createWebhookChannel(options: {
  name: string;
  url: string;
  /** `whsec_` and base64. */
  secret: string;
  publicUrl: string | null;
  allowPrivate: AllowedPrivate;
}): Channel {
  const signer = new Webhook(options.secret);
  return {
    name: options.name,
    perMinute: 300,
    async send(outgoing) {
      const body = JSON.stringify(webhookBody(options.name, options.publicUrl, outgoing));
      await postJson({
        url: options.url,
        body,
        headers: {
          'webhook-id': outgoing.id,
          'webhook-timestamp': String(Math.floor(outgoing.at / 1000)),
          'webhook-signature': signer.sign(outgoing.id, new Date(outgoing.at), body),
        },
        allowPrivate: options.allowPrivate,
      });
    },
  };
}

function webhookBody(receiver: string, publicUrl: string | null, outgoing: OutgoingMessage): unknown {
  const alerts = outgoing.alerts.length > 0 ? outgoing.alerts : [testAlert(outgoing)];
  return {
    version: '4',
    groupKey: `{}/{receiver="${receiver}"}:${groupOf(outgoing)}`,
    truncatedAlerts: Math.max(0, alerts.length - MAX_ALERTS),
    status: alerts.every((alert) => alert.status === 'resolved') ? 'resolved' : 'firing',
    receiver,
    groupLabels: {},
    commonLabels: common(alerts.map((alert) => alert.labels)),
    commonAnnotations: common(alerts.map((alert) => alert.annotations)),
    externalURL: publicUrl ?? '',
    // Alertmanager writes the zero time of its language where there is no end.
    alerts: alerts.slice(0, MAX_ALERTS).map((alert) => ({ ...alert, endsAt: alert.endsAt ?? '0001-01-01T00:00:00Z' })),
  };
}

/** What tells of one incident is one group from its opening to its end; a digest is a group of its own. */
function groupOf({ id, message, alerts }: OutgoingMessage): string {
  const incident = message.items.length === 0 ? alerts[0]?.annotations.incident : undefined;
  return incident === undefined ? `{message="${id}"}` : `{incident="${incident}"}`;
}

function testAlert({ at, message }: OutgoingMessage): Alert {
  return {
    status: 'firing',
    labels: { alertname: 'SnapauditTest', severity: 'info' },
    annotations: { summary: message.title, description: message.lines.map(({ text }) => text).join('\n') },
    startsAt: new Date(at).toISOString(),
    endsAt: null,
    generatorURL: '',
    fingerprint: '0000000000000000',
  };
}

function common(records: Record<string, string>[]): Record<string, string> {
  const [first = {}, ...rest] = records;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => rest.every((record) => record[name] === value)),
  );
}

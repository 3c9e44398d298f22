import type { Instant } from '../../core/instant.ts';
import type { Alert } from '../../core/message-alert.ts';
import type { Channel } from '../../ports.ts';
import type { AllowedPrivate } from './outgoing-guard.ts';
import { postJson } from './post-json.ts';

/** Alerts in one call. */
const CHUNK = 500;

/**
 * Pushes to a Prometheus Alertmanager (API v2), which groups, routes and repeats by itself. It forgets an alert at its
 * `endsAt`, so open alerts are sent again before that; if we die, they end after four resends that did not come.
 * Sending the same alert twice changes nothing there.
 */
export function createAlertmanagerChannel(options: {
  name: string;
  /** Base URL, with user:password@ where it asks for basic auth. */
  url: string;
  resendSeconds: number;
  allowPrivate: AllowedPrivate;
}): Channel {
  const endpoint = new URL(`${options.url.replace(/\/+$/, '')}/api/v2/alerts`);
  const headers: Record<string, string> = {};
  if (endpoint.username) {
    const credentials = `${decodeURIComponent(endpoint.username)}:${decodeURIComponent(endpoint.password)}`;
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    endpoint.username = '';
    endpoint.password = '';
  }
  const push = async (alerts: Alert[], now: Instant) => {
    for (let start = 0; start < alerts.length; start += CHUNK) {
      const body = alerts
        .slice(start, start + CHUNK)
        .map(({ labels, annotations, startsAt, endsAt, generatorURL }) => ({
          labels,
          annotations,
          startsAt,
          endsAt: endsAt ?? new Date(now + options.resendSeconds * 4000).toISOString(),
          generatorURL,
        }));
      await postJson({ url: endpoint.href, body: JSON.stringify(body), headers, allowPrivate: options.allowPrivate });
    }
  };
  return {
    name: options.name,
    perMinute: 600,
    async send({ alerts, at, message }) {
      // A test alert that ends after a minute.
      const test: Alert = {
        status: 'firing',
        labels: { alertname: 'SnapauditTest', severity: 'info' },
        annotations: { summary: message.title },
        startsAt: new Date(at).toISOString(),
        endsAt: new Date(at + 60_000).toISOString(),
        generatorURL: '',
        fingerprint: '',
      };
      await push(alerts.length > 0 ? alerts : [test], at);
    },
    keepAlive: { resendSeconds: options.resendSeconds, resend: push },
  };
}

import type { Finding, NotificationRow } from '../../src/ports.ts';
import type { AlertingWorld } from './alerting-world.ts';

export const WEBHOOK_SECRET = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
export const webhook = (url: string) => [{ name: 'hook', type: 'webhook', url, secret: WEBHOOK_SECRET }];

export const drift = (change: Partial<Finding> = {}): Finding => ({
  kind: 'config_drift',
  domain: 'play.example.com',
  app: 'live',
  active: true,
  detail: 'interval is 20s, not 10s',
  ...change,
});

/** An evaluation and a sending, then the clock moves on. */
export async function stepOf(world: AlertingWorld, seconds: number, sending: boolean): Promise<void> {
  await world.alerting.raise();
  if (sending) await world.alerting.sendAll();
  world.set(world.now() + seconds * 1000);
}

/** Oldest first. */
export async function deliveriesOf(world: AlertingWorld): Promise<NotificationRow[]> {
  return (await world.alerting.handle.notifications({ limit: 100 })).data.reverse();
}

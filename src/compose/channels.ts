import { createAlertmanagerChannel } from '../adapters/notify/alertmanager.ts';
import { createDingtalkChannel } from '../adapters/notify/dingtalk.ts';
import { createEmailChannel } from '../adapters/notify/email.ts';
import { createFeishuChannel } from '../adapters/notify/feishu.ts';
import type { AllowedPrivate } from '../adapters/notify/outgoing-guard.ts';
import { createSlackChannel } from '../adapters/notify/slack.ts';
import { createWebhookChannel } from '../adapters/notify/webhook.ts';
import { createWecomChannel } from '../adapters/notify/wecom.ts';
import type { ChannelSettings } from '../config/notify-settings.ts';
import { resolveSecret, type SecretRef, type SecretSource } from '../config/secret-ref.ts';
import type { Channel } from '../ports.ts';

export interface ChannelContext {
  secrets: SecretSource;
  allowPrivate: AllowedPrivate;
  publicUrl: string | null;
}

/** Makes the channel of one entry of `notify`. Throws an `Error` that says which secret is missing; it never holds one. */
export function createChannel(settings: ChannelSettings, context: ChannelContext): Channel {
  const secret = (ref: SecretRef) => resolveSecret(ref, context.secrets);
  const url = (ref: SecretRef) => {
    const text = secret(ref);
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
      throw new Error('its url is no URL that begins with https:// or http://');
    }
    return text;
  };
  const { name } = settings;
  const { allowPrivate, publicUrl } = context;
  switch (settings.type) {
    case 'dingtalk':
      return createDingtalkChannel({
        name,
        url: url(settings.url),
        secret: settings.secret ? secret(settings.secret) : null,
        allowPrivate,
      });
    case 'feishu':
      return createFeishuChannel({
        name,
        url: url(settings.url),
        secret: settings.secret ? secret(settings.secret) : null,
        allowPrivate,
      });
    case 'wecom':
      return createWecomChannel({ name, url: url(settings.url), allowPrivate });
    case 'slack':
      return createSlackChannel({ name, url: url(settings.url), allowPrivate });
    case 'email':
      return createEmailChannel({
        name,
        host: settings.host,
        port: settings.port,
        security: settings.security,
        caFile: settings.caFile ?? null,
        user: settings.user ?? null,
        password: settings.password ? secret(settings.password) : null,
        from: settings.from,
        to: settings.to,
      });
    case 'webhook':
      return createWebhookChannel({
        name,
        url: url(settings.url),
        secret: secret(settings.secret),
        publicUrl,
        allowPrivate,
      });
    case 'alertmanager':
      return createAlertmanagerChannel({
        name,
        url: url(settings.url),
        resendSeconds: settings.resendEvery,
        allowPrivate,
      });
    default:
      return settings satisfies never;
  }
}

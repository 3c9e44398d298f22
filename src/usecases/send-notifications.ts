import type { IncidentRules } from '../core/incident-rules.ts';
import type { Instant } from '../core/instant.ts';
import { composeDigest, composeMessage, composeTest, type Message, type MessageContext } from '../core/message.ts';
import { type Alert, alertOf } from '../core/message-alert.ts';
import type { ChannelCause, Locale } from '../core/message-words.ts';
import { isSilenced, repeatIsDue, retryDelaySeconds, wants } from '../core/notification.ts';
import {
  type AlertSink,
  type Channel,
  ChannelError,
  type ChannelStates,
  type ClaimedMessage,
  type Clock,
  type Delivery,
  type IncidentStore,
  type NotificationStore,
  type SilenceStore,
} from '../ports.ts';
import type { RoutedChannel } from './raise-incidents.ts';

/** A channel with its settings. */
export interface NotifyChannel extends RoutedChannel {
  channel: Channel;
  locale: Locale;
  /** 0: never. */
  repeatSeconds: number;
  /** Tells these settings from changed ones; holds no secret. */
  fingerprint: string;
}

export interface SendParts {
  clock: Clock;
  notifications: NotificationStore;
  states: ChannelStates;
  incidents: IncidentStore;
  silences: SilenceStore;
  sink: AlertSink;
  channels: readonly NotifyChannel[];
  timeZone: string;
  publicUrl: string | null;
  rules: IncidentRules;
  digestFrom: number;
  /** In [0, 1). */
  chance(): number;
  onOutcome?(channel: string, outcome: 'sent' | 'retry' | 'failed'): void;
  onProblem(what: string, error: unknown): void;
}

/** Longer than any channel takes to send, so that nobody takes over a message that is being sent. */
const LEASE_SECONDS = 60;
/** A permanent failure must show so often before the channel is switched off: a restart of the other side is none. */
const PERMANENT_FROM = 3;
/** One message may be at fault; so many that are rejected in a row say that it is the channel. */
const REJECTED_IN_A_ROW = 3;
/** So many messages in a row must miss the same channel's recipients before people are told. */
const PARTLY_IN_A_ROW = 3;
/** About a day of retries at the longest delay. */
const MAX_ATTEMPTS = 110;
const UNKNOWN_CHANNEL_MS = 3_600_000;
const RESOLVED_REMEMBERED_MS = 900_000;

export function createNotificationSender(parts: SendParts) {
  const { notifications, states, clock } = parts;
  const resentAt = new Map<string, Instant>();

  /** Sends what is due on every channel; channels do not wait for each other. */
  async function sendAll(signal?: AbortSignal): Promise<void> {
    const silences = await parts.silences.inForce(clock.now());
    await Promise.all(
      parts.channels.map(async (channel) => {
        try {
          await sendOne(channel, silences, signal);
        } catch (error) {
          parts.onProblem(`sending to ${channel.name} failed`, error);
        }
      }),
    );
  }

  /** What is due on one channel, and what it must not forget. */
  async function sendTo(name: string, signal?: AbortSignal): Promise<void> {
    const channel = channelNamed(name);
    await sendOne(channel, await parts.silences.inForce(clock.now()), signal);
    await keepAliveOf(channel);
  }

  async function sendOne(
    channel: NotifyChannel,
    silences: Awaited<ReturnType<SilenceStore['inForce']>>,
    signal?: AbortSignal,
  ): Promise<void> {
    if (await states.disabled(channel.name, channel.fingerprint)) return;
    const silenced = (incident: Parameters<typeof isSilenced>[0]) => isSilenced(incident, silences, clock.now());
    await notifications.addRepeats({
      channel: channel.name,
      now: clock.now(),
      due: (incident, lastToldAt) =>
        channel.repeatSeconds > 0 && repeatIsDue(incident, lastToldAt, clock.now(), channel.repeatSeconds),
      silenced,
    });
    while (!signal?.aborted) {
      const claimed = await notifications.claim({
        channel: channel.name,
        fingerprint: channel.fingerprint,
        now: clock.now(),
        leaseSeconds: LEASE_SECONDS,
        perMinute: channel.channel.perMinute,
        digestFrom: parts.digestFrom,
        silenced,
      });
      if (claimed === null) return;
      if (!(await deliver(channel, claimed))) return;
    }
  }

  /** False where the channel should be left alone for now. */
  async function deliver(channel: NotifyChannel, claimed: ClaimedMessage): Promise<boolean> {
    const now = clock.now();
    const context = contextOf(channel, now);
    const message = messageOf(claimed, context);
    let delivery: Delivery | undefined;
    try {
      delivery = await channel.channel.send({
        id: claimed.messageId,
        at: now,
        message,
        alerts: [
          ...claimed.rows.map(({ incident, event }) => alertOf(incident, event, context)),
          ...claimed.folded.map((incident) => alertOf(incident, 'resolved', context)),
        ],
      });
    } catch (error) {
      if (!(error instanceof ChannelError)) parts.onProblem(`the channel ${channel.name} has a fault`, error);
      const failure =
        error instanceof ChannelError
          ? error
          : new ChannelError('An unexpected fault; see the log.', { failure: 'rejected' });
      return failed(channel, claimed, failure, now);
    }
    // A kill right here sends it again under the same id: that cannot be told from a kill right before.
    const refused = delivery?.refused ?? null;
    await notifications.markSent(claimed, clock.now(), message.title, refused);
    parts.onOutcome?.(channel.name, 'sent');
    await taken(channel, refused);
    return true;
  }

  /** Nobody of those who took it gets it again for the sake of those who did not: that some never do is told instead. */
  async function taken(channel: NotifyChannel, refused: string | null): Promise<void> {
    const { name, fingerprint } = channel;
    const inARow = await states.count(name, fingerprint, refused === null ? 'taken' : 'partly');
    if (refused !== null && inARow >= PARTLY_IN_A_ROW) {
      const cause: ChannelCause = 'recipients-refused';
      const key = recipientsKey(name);
      await parts.sink.report({ kind: 'channel_failing', key, active: true, at: clock.now(), cause, detail: refused });
    } else if (refused === null && inARow === 1) {
      await parts.sink.report({ kind: 'channel_failing', key: recipientsKey(name), active: false });
    }
  }

  /** False where the channel should be left alone for now. */
  async function failed(
    channel: NotifyChannel,
    claimed: ClaimedMessage,
    failure: ChannelError,
    now: Instant,
  ): Promise<boolean> {
    const { name, fingerprint } = channel;
    const givenUp = failure.failure === 'rejected' || claimed.attempts >= MAX_ATTEMPTS;
    const delay = retryDelaySeconds(claimed.attempts, parts.chance(), failure.retryAfterSeconds);
    await notifications.markFailed(claimed, {
      error: failure.message,
      retryAt: givenUp ? null : now + Math.round(delay * 1000),
      keepId: failure.mayHaveArrived,
    });
    parts.onOutcome?.(name, givenUp ? 'failed' : 'retry');
    // What the other side asks for holds for whatever else is to be sent there.
    if (failure.retryAfterSeconds !== null)
      await states.pause(name, fingerprint, now + failure.retryAfterSeconds * 1000);
    const cause = await causeToSwitchOff(channel, failure);
    if (cause === null) return failure.failure === 'rejected';
    await states.disable(name, fingerprint, now, failure.message);
    await parts.sink.report({
      kind: 'channel_failing',
      key: name,
      active: true,
      at: now,
      cause,
      detail: failure.message,
    });
    return false;
  }

  async function causeToSwitchOff(
    { name, fingerprint }: NotifyChannel,
    { failure }: ChannelError,
  ): Promise<ChannelCause | null> {
    if (failure === 'transient') return null;
    // Not the tries of the message: most of them may have met a server that was merely away.
    const inARow = await states.count(name, fingerprint, 'rejected');
    if (failure === 'permanent') return inARow >= PERMANENT_FROM ? 'permanent-failure' : null;
    return inARow >= REJECTED_IN_A_ROW ? 'rejected-in-a-row' : null;
  }

  /** Sends a test message now; throws `ChannelError`, also where it missed a recipient. Once taken, the channel is on again. */
  async function test(name: string): Promise<void> {
    const channel = channelNamed(name);
    const now = clock.now();
    const message = composeTest(name, contextOf(channel, now));
    let delivery: Delivery | undefined;
    try {
      delivery = await channel.channel.send({ id: crypto.randomUUID(), at: now, message, alerts: [] });
    } catch (error) {
      await notifications.recordTest(name, now, error instanceof Error ? error.message : String(error), message.title);
      throw error;
    }
    const refused = delivery?.refused ?? null;
    await notifications.recordTest(name, now, refused, message.title);
    await states.enable(name);
    await parts.sink.report({ kind: 'channel_failing', key: name, active: false });
    if (refused !== null) throw new ChannelError(refused, { failure: 'rejected' });
    await parts.sink.report({ kind: 'channel_failing', key: recipientsKey(name), active: false });
  }

  /** Tells one that forgets all that is open, when its time has come. */
  async function keepAliveOf(channel: NotifyChannel): Promise<void> {
    const now = clock.now();
    const { keepAlive: alive } = channel.channel;
    const last = resentAt.get(channel.name);
    if (!alive || (last !== undefined && now - last < alive.resendSeconds * 1000)) return;
    resentAt.set(channel.name, now);
    const silences = await parts.silences.inForce(now);
    const context = contextOf(channel, now);
    const incidents = await parts.incidents.forKeepAlive(now - RESOLVED_REMEMBERED_MS);
    const live = new Set(
      incidents.filter((incident) => incident.status !== 'resolved' && incident.foldedInto === null).map(labelKey),
    );
    const hushed = incidents.filter((incident) => isSilenced(incident, silences, now));
    // What it was told of before goes on: left out, it would be called resolved over there.
    const told = await notifications.toldOf(
      channel.name,
      hushed.map(({ id }) => id),
    );
    const quiet = new Set(hushed.filter(({ id }) => !told.has(id)));
    const alerts: Alert[] = incidents
      .filter((incident) => wants(channel, incident) && !quiet.has(incident))
      .flatMap((incident) => {
        const over = incident.status === 'resolved' || incident.foldedInto !== null;
        // One scope may have an old incident that is over and a new one that is not: the labels are the same.
        if (over && live.has(labelKey(incident))) return [];
        return [alertOf(incident, over ? 'resolved' : 'opened', context)];
      });
    try {
      if (alerts.length > 0) await alive.resend(alerts, now);
    } catch (error) {
      parts.onProblem(`${channel.name} could not be told what is open`, error);
    }
  }

  /** Channels whose settings changed since they failed are on again; what is gone from the settings waits no longer. */
  async function reviveChanged(): Promise<void> {
    const names = parts.channels.map((channel) => channel.name);
    // Not at once: while a new version is rolled out, the old one does not know a new channel.
    await notifications.giveUpBut(names, clock.now() - UNKNOWN_CHANNEL_MS);
    await parts.incidents.endFindingsBut('channel_failing', [...names, ...names.map(recipientsKey)], clock.now());
    for (const channel of parts.channels) {
      if (await states.disabled(channel.name, channel.fingerprint)) continue;
      await parts.sink.report({ kind: 'channel_failing', key: channel.name, active: false });
    }
  }

  function channelNamed(name: string): NotifyChannel {
    const channel = parts.channels.find((one) => one.name === name);
    if (channel) return channel;
    const known = parts.channels.map((one) => one.name).join(', ') || 'none is configured';
    throw new Error(`There is no channel "${name}" (${known}).`);
  }

  function contextOf(channel: NotifyChannel, now: Instant): MessageContext {
    return {
      locale: channel.locale,
      timeZone: parts.timeZone,
      publicUrl: parts.publicUrl,
      now,
      rules: parts.rules,
    };
  }

  return { sendAll, sendTo, test, reviveChanged };
}

function messageOf(claimed: ClaimedMessage, context: MessageContext): Message {
  const [first] = claimed.rows;
  return claimed.rows.length === 1 && first
    ? composeMessage(first.incident, first.event, context)
    : composeDigest(claimed.rows, context);
}

/** Of the finding that a channel misses some of its recipients: the channel itself can tell of it. */
function recipientsKey(channel: string): string {
  return `${channel} recipients`;
}

function labelKey({ kind, scope, key }: Parameters<typeof alertOf>[0]): string {
  return JSON.stringify([kind === 'silence' ? 'gap' : kind, scope.domain, scope.app, scope.stream, key]);
}

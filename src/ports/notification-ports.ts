/** How people are told, and what is known of who was told. Part of `ports.ts`. */

import type { Incident } from '../core/incident.ts';
import type { Instant } from '../core/instant.ts';
import type { Message } from '../core/message.ts';
import type { Alert } from '../core/message-alert.ts';
import type { NotificationEvent, NotificationStatus } from '../core/notification-status.ts';

/** One way to reach people (or a machine that does). */
export interface Channel {
  readonly name: string;
  /** Messages a minute that the other side takes; more wait or go into a digest. */
  readonly perMinute: number;
  /** Throws `ChannelError`. `id` stays the same over retries. */
  send(outgoing: OutgoingMessage): Promise<Delivery | undefined>;
  /** Only where the other side forgets: tells it all that is open, every `resendSeconds`. */
  readonly keepAlive?: { resendSeconds: number; resend(alerts: Alert[], now: Instant): Promise<void> };
}

/** What came of a message that was taken. */
export interface Delivery {
  /** One sentence about those of several recipients who were refused; null where it reached them all. */
  refused: string | null;
}

export interface OutgoingMessage {
  id: string;
  at: Instant;
  message: Message;
  /** The same for machines; empty for a test message. */
  alerts: Alert[];
}

/**
 * transient: try again later. rejected: this message will never be taken, others may be. permanent: the address or the
 * credentials are wrong; a person must act.
 */
export type ChannelFailure = 'transient' | 'rejected' | 'permanent';

/** The message is one sentence for people; it never holds the URL (robot URLs are credentials). */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  readonly failure: ChannelFailure;
  readonly retryAfterSeconds: number | null;
  /** True where the message may have arrived all the same (a time-out, a cut connection). */
  readonly mayHaveArrived: boolean;
  constructor(
    message: string,
    details: {
      failure: ChannelFailure;
      retryAfterSeconds?: number | null;
      mayHaveArrived?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.failure = details.failure;
    this.mayHaveArrived = details.mayHaveArrived ?? false;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }
}

// ---- notifications ----

export interface NotificationRow {
  id: number;
  channel: string;
  incidentId: number | null;
  event: NotificationEvent;
  status: NotificationStatus;
  createdAt: Instant;
  dueAt: Instant;
  attempts: number;
  messageId: string | null;
  sentAt: Instant | null;
  error: string | null;
  summary: string | null;
}

export interface ClaimedMessage {
  channel: string;
  messageId: string;
  /** Of the row that was tried least often, this try included: a new word is not given up with an old one. */
  attempts: number;
  rows: { id: number; incident: Incident; event: NotificationEvent }[];
  /** What the channel was told of and these incidents tell of now: over, for whoever keeps alerts apart. */
  folded: Incident[];
}

export interface NotificationStore {
  /**
   * Claims the next message of a channel until `now + leaseSeconds`: what another process claimed and did not finish comes first,
   * as the very message it was; else what `plan` makes of the rows that are due. null: nothing to send now, or the channel pauses.
   */
  claim(options: {
    channel: string;
    fingerprint: string;
    now: Instant;
    leaseSeconds: number;
    /** Messages that the channel takes a minute. */
    perMinute: number;
    digestFrom: number;
    silenced(incident: Incident): boolean;
  }): Promise<ClaimedMessage | null>;
  /** `refused`: who of several recipients did not get it. */
  markSent(message: ClaimedMessage, sentAt: Instant, summary: string, refused: string | null): Promise<void>;
  /** `retryAt` null: given up. `keepId`: it may have arrived, so it is tried again as the same message. */
  markFailed(
    message: ClaimedMessage,
    outcome: { error: string; retryAt: Instant | null; keepId: boolean },
  ): Promise<void>;
  /**
   * Makes rows for open incidents that `due` picks by when they were told last (or could not be told), and for those that were
   * silenced and are no longer.
   */
  addRepeats(options: {
    channel: string;
    now: Instant;
    due(incident: Incident, lastToldAt: Instant): boolean;
    silenced(incident: Incident): boolean;
  }): Promise<number>;
  /** Those of the incidents that the channel was told of. */
  toldOf(channel: string, incidentIds: readonly number[]): Promise<Set<number>>;
  recordTest(channel: string, at: Instant, error: string | null, summary: string): Promise<void>;
  /** Newest first. */
  list(
    filter: {
      channel?: readonly string[] | undefined;
      status?: readonly NotificationStatus[] | undefined;
      incident?: number | undefined;
      from: Instant | null;
      to: Instant | null;
    },
    after: [Instant, number] | null,
    limit: number,
  ): Promise<NotificationRow[]>;
  counts(): Promise<{ channel: string; status: NotificationStatus; count: number }[]>;
  /** Gives up what has waited since before `before` for channels that are configured no more. */
  giveUpBut(channels: readonly string[], before: Instant): Promise<void>;
  prune(before: Instant): Promise<void>;
}

/** What is known of the other side of each channel, as long as its settings (their fingerprint) stay. */
export interface ChannelStates {
  /** When the channel was switched off, and why; null where it is on. */
  disabled(channel: string, fingerprint: string): Promise<{ at: Instant; reason: string } | null>;
  disable(channel: string, fingerprint: string, at: Instant, reason: string): Promise<void>;
  /** On again, and nothing is held against it. */
  enable(channel: string): Promise<void>;
  /** Nothing is claimed for it until then. */
  pause(channel: string, fingerprint: string, until: Instant): Promise<void>;
  /** What came of one message; gives how many in a row ended like it. `partly`: some recipients were refused. */
  count(channel: string, fingerprint: string, outcome: 'taken' | 'partly' | 'rejected'): Promise<number>;
}

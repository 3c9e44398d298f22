import { randomUUID } from 'node:crypto';
import { extendAliases } from '../core/callback-aliases.ts';
import { createBodyReader } from '../core/callback-body.ts';
import { type CallbackKey, signedHostsOf } from '../core/callback-signature.ts';
import type { Instant } from '../core/instant.ts';
import type { BatchStore, Clock, Heartbeat, Spool, SpoolKind } from '../ports.ts';
import { drainSpool, type ReceiverStores, SpoolUnreadableError } from './drain-spool.ts';
import { createDurability } from './durable-write.ts';
import type { ForwardTargets } from './forward-callback.ts';
import { createGroupCommit, OverloadedError } from './group-commit.ts';
import { createHeartbeatKeeper } from './keep-heartbeat.ts';
import { createQuarantine, QUARANTINE_ALLOWANCES, type QuarantineAllowance } from './quarantine-request.ts';
import { createReceiveCallback, type ReceiveCallback } from './receive-callback.ts';
import { createReceiveStreamCallback, type ReceiveStreamCallback } from './receive-stream-callback.ts';
import { encodeSpooled } from './spool-codec.ts';

export interface ReceiverParts {
  stores: ReceiverStores & { heartbeats: { beat(beats: readonly Heartbeat[], timeoutMs: number): Promise<void> } };
  /** null: without a local spool, callbacks are turned away while the database is away. */
  spool: Spool | null;
  clock: Clock;
  /** Base of the callback URL; its host is what snapshot callbacks are signed with. */
  publicUrl: string;
  /** Empty: everything is let in, unverified. */
  keys: readonly CallbackKey[];
  clockWindowSeconds: number;
  /** settings.callbacks.aliases */
  aliases: Readonly<Record<string, readonly string[]>>;
  templatesOf: (domain: string, app: string) => readonly string[];
  streamingDomainOf: (pushDomain: string) => string | null;
  /** Where accepted callbacks are passed on to; needs `stores.forwards`. Default: nowhere. */
  forwardTargetsOf?: ForwardTargets;
  /** Name of this machine, for people. */
  host: string;
  onProblem: (message: string, error: unknown) => void;
  limits?: Partial<ReceiverLimits>;
}

export interface ReceiverLimits {
  maxPending: number;
  maxBatch: number;
  /** How long a commit may take before the spool takes over. */
  commitTimeoutMs: number;
  heartbeatEveryMs: number;
  /** How often it is looked for what other receivers on this disk left behind. */
  absorbEveryMs: number;
  stranger: QuarantineAllowance;
  verified: QuarantineAllowance;
  named: QuarantineAllowance;
}

const DEFAULT_LIMITS: ReceiverLimits = {
  maxPending: 20_000,
  maxBatch: 500,
  commitTimeoutMs: 1_000,
  heartbeatEveryMs: 1_000,
  absorbEveryMs: 30_000,
  ...QUARANTINE_ALLOWANCES,
};
/**
 * One batch at a time where the disk is fast, for large ones cost the database less each. On one that takes 3 ms to flush the second
 * writer makes it nearly twice as many.
 */
const MAX_WRITERS = 2;
const WRITER_PATIENCE_MS = 2;
/** A callback may wait for the batch before its own as well: twice this is below the vendor's 5 s, so that a 503 still reaches it. */
const LAST_RESORT_TIMEOUT_MS = 2_000;
const DRAIN_EVERY_MS = 250;
/** For the last batches, when the receiver closes; what a silent database does not take by then stays in the spool. */
const LAST_DRAIN_MS = 2_000;
const SAME_PROBLEM_MS = 30_000;

export interface ReceiverState {
  pending: number;
  databaseDownSince: Instant | null;
  spool: { entries: number; bytes: number; oldestAt: Instant | null } | null;
  /** Whether a callback that came now could be kept, as far as the last heartbeat says; null before the first. */
  aliveUntil: Instant | null;
  batches: number;
  batchedItems: number;
  turnedAway: number;
  notKept: number;
  /** Callbacks that are not passed on, for the spool keeps the room for captures. */
  forwardsDropped: number;
}

export interface Receiver {
  receiverId: string;
  receiveCallback: ReceiveCallback;
  receiveStreamCallback: ReceiveStreamCallback;
  state(): ReceiverState;
  /** Begins heartbeats and draining; call it when the server listens. */
  start(): Promise<void>;
  /** Call it when the server has answered its last request: waits for what is pending, leaves a last heartbeat, closes the spool. */
  close(): Promise<void>;
}

/** Everything between a callback's bytes and its commit, except HTTP and SQL. */
export function createReceiver(parts: ReceiverParts): Receiver {
  const limits = { ...DEFAULT_LIMITS, ...parts.limits };
  const now = () => parts.clock.now();
  const receiverId = randomUUID();
  const counts = { batches: 0, batchedItems: 0, turnedAway: 0, notKept: 0, forwardsDropped: 0 };

  const reportedAt = new Map<string, number>();
  /** During an outage the same goes wrong every second: said once in a while is enough. */
  function problem(message: string, error: unknown): void {
    if (performance.now() - (reportedAt.get(message) ?? Number.NEGATIVE_INFINITY) < SAME_PROBLEM_MS) return;
    reportedAt.set(message, performance.now());
    parts.onProblem(message, error);
  }

  const durability = createDurability({
    spool: parts.spool,
    commitTimeoutMs: limits.commitTimeoutMs,
    lastResortTimeoutMs: LAST_RESORT_TIMEOUT_MS,
    now,
    encode: encodeSpooled,
    onFailure: (kind, error, target) => problem(`a batch of kind ${kind} was not committed to the ${target}`, error),
    onForwardsDropped: (callbacks) => {
      counts.forwardsDropped += callbacks;
    },
  });
  const commit = <T>(kind: SpoolKind, store: BatchStore<T>) =>
    createGroupCommit<T>({
      write: (items) => durability.write(kind, store, items),
      maxBatch: limits.maxBatch,
      maxPending: limits.maxPending,
      maxWriters: MAX_WRITERS,
      patienceMs: WRITER_PATIENCE_MS,
      onBatch: (items) => {
        counts.batches++;
        counts.batchedItems += items;
      },
    });
  const captures = commit('capture', parts.stores.captures);
  const signals = commit('signal', parts.stores.signals);
  const aside = commit('quarantine', parts.stores.quarantine);
  const forwards = parts.stores.forwards ? commit('forward', parts.stores.forwards) : null;

  const heartbeat = createHeartbeatKeeper({
    receiverId,
    host: parts.host,
    now,
    commit: beatOrNoteOutage,
    spool: parts.spool,
    commitTimeoutMs: limits.commitTimeoutMs,
    onFailure: (error) => problem('a heartbeat was not committed', error),
  });
  /** A beat a second: an outage is seen though no callback comes. */
  async function beatOrNoteOutage(beats: readonly Heartbeat[], timeoutMs: number): Promise<void> {
    try {
      await parts.stores.heartbeats.beat(beats, timeoutMs);
    } catch (error) {
      durability.databaseIsAway();
      throw error;
    }
    // With a spool it is what drains it that finds the database back.
    if (parts.spool === null) durability.databaseIsBack();
  }

  const quarantine = createQuarantine({
    sink: aside,
    now,
    stranger: limits.stranger,
    verified: limits.verified,
    named: limits.named,
    onNotKept: () => counts.notKept++,
  });
  const common = {
    clock: parts.clock,
    keys: parts.keys,
    clockWindowSeconds: parts.clockWindowSeconds,
    quarantine,
  };
  const receiveCallback = createReceiveCallback({
    ...common,
    hosts: signedHostsOf(parts.publicUrl),
    reader: createBodyReader(extendAliases(parts.aliases)),
    templatesOf: parts.templatesOf,
    captures,
    ...(forwards && parts.forwardTargetsOf && { forward: { targetsOf: parts.forwardTargetsOf, sink: forwards } }),
  });
  const receiveStreamCallback = createReceiveStreamCallback({
    ...common,
    streamingDomainOf: parts.streamingDomainOf,
    signals,
  });

  const counted =
    <Request, Answer extends { outcome: string }>(receive: (request: Request) => Promise<Answer>) =>
    async (request: Request): Promise<Answer> => {
      try {
        const answer = await receive(request);
        if (answer.outcome === 'stored' || answer.outcome === 'canary') heartbeat.noteProof(now());
        return answer;
      } catch (error) {
        if (error instanceof OverloadedError) {
          counts.turnedAway++;
          heartbeat.noteTurnedAway();
        }
        throw error;
      }
    };

  /** Null too where the spool cannot be read: health, metrics and callbacks go on without it. */
  function spoolDepth(): ReceiverState['spool'] {
    try {
      return parts.spool?.depth() ?? null;
    } catch (error) {
      problem('the spool cannot be read', error);
      return null;
    }
  }

  // The spool did so when it was opened.
  let absorbedAt = performance.now();
  let closing = false;
  let closed = false;
  let drainTimer: NodeJS.Timeout | null = null;
  let beatTimer: NodeJS.Timeout | null = null;
  let draining: Promise<void> = Promise.resolve();
  let beating: Promise<void> = Promise.resolve();

  function absorbWhereDue(spool: Spool): void {
    const before = absorbedAt;
    if (closing || performance.now() - before < limits.absorbEveryMs) return;
    // First, so that one that cannot be taken over holds up nothing.
    absorbedAt = performance.now();
    if (spool.absorb()) absorbedAt = before;
  }

  async function drain(): Promise<void> {
    if (parts.spool === null) return;
    try {
      await moveSpooled(parts.spool, () => closing);
      // Nothing left to move, yet the database counts as away (the spool took nothing either).
      await tryDatabase();
    } catch (error) {
      problem('the spool could not be moved into the database', error);
      // What cannot be read must not keep from the database what comes from now on.
      if (error instanceof SpoolUnreadableError) await tryDatabase().catch(() => {});
    }
  }

  async function moveSpooled(spool: Spool, isOver: () => boolean): Promise<void> {
    let leaveForwards = false;
    while (!isOver()) {
      absorbWhereDue(spool);
      const page = await drainSpool(spool, parts.stores, now, { leaveForwards });
      if (page.entries === 0) return;
      if (page.moved > 0) durability.databaseIsBack();
      if (page.forwardFailure !== null) {
        problem('callbacks to be passed on stay in the spool: their queue takes none', page.forwardFailure);
        leaveForwards = true;
      }
    }
  }

  /** An empty beat finds out whether it is back. */
  async function tryDatabase(): Promise<void> {
    if (closing || durability.databaseDownSince() === null) return;
    await parts.stores.heartbeats.beat([], limits.commitTimeoutMs);
    durability.databaseIsBack();
  }

  /** The disk may be gone with the process (a container's): what can go to the database now, goes. */
  async function drainBeforeEnd(): Promise<void> {
    try {
      if (parts.spool) await moveSpooled(parts.spool, () => closed);
    } catch (error) {
      problem('the spool could not be emptied before the end; the next start goes on with it', error);
    }
  }

  function scheduleDrain(): void {
    if (closing) return;
    drainTimer = setTimeout(() => {
      draining = drain().finally(scheduleDrain);
    }, DRAIN_EVERY_MS);
  }

  function scheduleBeat(): void {
    if (closing) return;
    beatTimer = setTimeout(() => {
      beating = heartbeat.beat().finally(scheduleBeat);
    }, limits.heartbeatEveryMs);
  }

  return {
    receiverId,
    receiveCallback: counted(receiveCallback),
    receiveStreamCallback: counted(receiveStreamCallback),
    state: () => ({
      pending: captures.pending() + signals.pending() + aside.pending() + (forwards?.pending() ?? 0),
      databaseDownSince: durability.databaseDownSince(),
      spool: spoolDepth(),
      aliveUntil: heartbeat.aliveUntil(),
      ...counts,
    }),
    async start() {
      await heartbeat.beat();
      scheduleBeat();
      scheduleDrain();
    },
    async close() {
      if (closing) return;
      closing = true;
      if (drainTimer) clearTimeout(drainTimer);
      if (beatTimer) clearTimeout(beatTimer);
      await Promise.all([beating, captures.idle(), signals.idle(), aside.idle(), forwards?.idle()]);
      await atMost(LAST_DRAIN_MS, draining.then(drainBeforeEnd));
      closed = true;
      await heartbeat.beat();
      parts.spool?.close();
    },
  };
}

async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}

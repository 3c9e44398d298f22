import { decodeCapture, parseRest, reproduceBody } from '../core/capture-shape.ts';
import { ACCEPTED_HEADER } from '../core/quarantine-reason.ts';
import type {
  BatchStore,
  ForwardedCallback,
  IncomingCapture,
  QuarantineEntry,
  RefusedItem,
  SessionSignal,
  Spool,
  SpoolEntry,
  SpoolKind,
} from '../ports.ts';
import { decodeSpooled } from './spool-codec.ts';

export interface ReceiverStores {
  captures: BatchStore<IncomingCapture>;
  signals: BatchStore<SessionSignal>;
  quarantine: BatchStore<QuarantineEntry>;
  /** Absent: callbacks are passed on to nobody. */
  forwards?: BatchStore<ForwardedCallback>;
}

const BATCH = 500;
const TIMEOUT_MS = 10_000;

/** The file may be damaged. */
export class SpoolUnreadableError extends Error {
  override readonly name = 'SpoolUnreadableError';
}

/** What became of one page of the spool. */
export interface DrainedPage {
  /** Nothing: its end was reached. */
  entries: number;
  moved: number;
  /** Why the forwards stay in the spool; null where their queue took them, or was not asked. */
  forwardFailure: unknown;
}

/**
 * Moves the oldest entries of the spool into the database. Throws while the database takes nothing. Forwards that their queue does not take
 * stay in the spool, in their order; with `leaveForwards` it is not asked, and the entries beyond those that stay are moved.
 */
export async function drainSpool(
  spool: Spool,
  stores: ReceiverStores,
  now: () => number,
  { leaveForwards = false } = {},
): Promise<DrainedPage> {
  const entries = takePage(spool, leaveForwards);
  const last = entries.at(-1);
  if (last === undefined) return { entries: 0, moved: 0, forwardFailure: null };
  await moveOthers(entries, stores, now);
  const forwardFailure = leaveForwards ? null : await failureOf(moveForwards(entries, stores, now));
  if (leaveForwards || forwardFailure !== null) {
    return { entries: entries.length, moved: spool.removeOthersThrough(last.id), forwardFailure };
  }
  spool.removeThrough(last.id);
  return { entries: entries.length, moved: entries.length, forwardFailure: null };
}

function takePage(spool: Spool, leaveForwards: boolean): SpoolEntry[] {
  try {
    const entries = leaveForwards ? spool.readOn(BATCH) : spool.read(BATCH);
    const last = entries.at(-1);
    // Before the write: were we to die between commit and removal, the next try must not count these deliveries twice.
    if (last !== undefined) spool.markTriedThrough(last.id);
    return entries;
  } catch (cause) {
    throw new SpoolUnreadableError('The spool cannot be read.', { cause });
  }
}

async function moveOthers(entries: readonly SpoolEntry[], stores: ReceiverStores, now: () => number): Promise<void> {
  const refused: QuarantineEntry[] = [];
  for (const again of [true, false]) {
    const write = async <T>(kind: SpoolKind, store: BatchStore<T>, decode: (entry: SpoolEntry) => T) => {
      const items = entries.filter((entry) => entry.kind === kind && entry.again === again).map(decode);
      if (items.length === 0) return;
      refused.push(...asideOf(kind, await store.write(items, { again, timeoutMs: TIMEOUT_MS }), now));
    };
    await write('capture', stores.captures, (entry) => decodeSpooled('capture', entry.payload));
    await write('signal', stores.signals, (entry) => decodeSpooled('signal', entry.payload));
    await write('quarantine', stores.quarantine, (entry) => decodeSpooled('quarantine', entry.payload));
  }
  await setAside(refused, stores);
}

async function moveForwards(entries: readonly SpoolEntry[], stores: ReceiverStores, now: () => number): Promise<void> {
  const forwards = entries.filter(({ kind }) => kind === 'forward');
  if (forwards.length === 0 || !stores.forwards) return;
  const items = forwards.map((entry) => decodeSpooled('forward', entry.payload));
  const refused = await stores.forwards.write(items, { again: true, timeoutMs: TIMEOUT_MS });
  await setAside(asideOf('forward', refused, now), stores);
}

async function failureOf(work: Promise<void>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

async function setAside(refused: QuarantineEntry[], stores: ReceiverStores): Promise<void> {
  if (refused.length > 0) await stores.quarantine.write(refused, { again: false, timeoutMs: TIMEOUT_MS });
}

function asideOf(kind: SpoolKind, refused: RefusedItem<unknown>[], now: () => number): QuarantineEntry[] {
  return refused.map(({ item, reason }) => asQuarantined(kind, item, reason, now()));
}

/** The raw request is gone by now; one that says the same takes its place, so that a retry can read it. */
function asQuarantined(kind: SpoolKind, item: unknown, reason: string, now: number): QuarantineEntry {
  const common = { kind: 'unclassified', reason, remoteAddress: null, headers: {} } as const;
  if (kind === 'capture') {
    const { key, shape, rest, flags, ...row } = item as IncomingCapture;
    const stored = { ...row, rest: parseRest(rest) };
    const { object, receivedAt } = decodeCapture(stored, shape, key);
    return {
      ...common,
      ...key,
      headers: { [ACCEPTED_HEADER]: String(flags) },
      object,
      receivedAt,
      body: Buffer.from(JSON.stringify(reproduceBody(stored, shape, key))),
    };
  }
  if (kind === 'signal') {
    const { domain, app, stream, at, kind: action, pushDomain, seenAt } = item as SessionSignal;
    const query = new URLSearchParams({
      action,
      app: pushDomain ?? domain,
      appname: app,
      id: stream,
      time: String(at),
    });
    const body = Buffer.from(`/callbacks/stream?${query}`);
    const headers = { [ACCEPTED_HEADER]: '' };
    return { ...common, headers, domain, app, stream, object: null, receivedAt: seenAt, body };
  }
  const body = Buffer.from(JSON.stringify(item));
  return { ...common, domain: null, app: null, stream: null, object: null, receivedAt: now, body };
}

import { decodeCapture, parseRest, reproduceBody } from '../core/capture-shape.ts';
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

/** Moves the oldest entries of the spool into the database; returns how many. Throws while the database takes nothing. */
export async function drainSpool(spool: Spool, stores: ReceiverStores, now: () => number): Promise<number> {
  const entries = spool.read(BATCH);
  const last = entries.at(-1);
  if (last === undefined) return 0;
  // Before the write: were we to die between commit and removal, the next try must not count these deliveries twice.
  spool.markTriedThrough(last.id);

  const refused: QuarantineEntry[] = [];
  const setAside = (kind: SpoolKind, items: RefusedItem<unknown>[]) => {
    for (const { item, reason } of items) refused.push(asQuarantined(kind, item, reason, now()));
  };
  for (const again of [true, false]) {
    const of = (kind: SpoolKind) => entries.filter((entry) => entry.kind === kind && entry.again === again);
    const write = async <T>(kind: SpoolKind, store: BatchStore<T>, decode: (entry: SpoolEntry) => T) => {
      const items = of(kind).map(decode);
      if (items.length > 0) setAside(kind, await store.write(items, { again, timeoutMs: TIMEOUT_MS }));
    };
    await write('capture', stores.captures, (entry) => decodeSpooled('capture', entry.payload));
    await write('signal', stores.signals, (entry) => decodeSpooled('signal', entry.payload));
    await write('quarantine', stores.quarantine, (entry) => decodeSpooled('quarantine', entry.payload));
    if (stores.forwards) await write('forward', stores.forwards, (entry) => decodeSpooled('forward', entry.payload));
  }
  if (refused.length > 0) await stores.quarantine.write(refused, { again: false, timeoutMs: TIMEOUT_MS });
  spool.removeThrough(last.id);
  return entries.length;
}

/** The raw request is gone by now; one that says the same takes its place, so that a retry can read it. */
function asQuarantined(kind: SpoolKind, item: unknown, reason: string, now: number): QuarantineEntry {
  const common = { kind: 'unclassified', reason, remoteAddress: null, headers: {} } as const;
  if (kind === 'capture') {
    const { key, shape, rest, ...row } = item as IncomingCapture;
    const stored = { ...row, rest: parseRest(rest) };
    const { object, receivedAt } = decodeCapture(stored, shape, key);
    return {
      ...common,
      ...key,
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
    return { ...common, domain, app, stream, object: null, receivedAt: seenAt, body };
  }
  const body = Buffer.from(JSON.stringify(item));
  return { ...common, domain: null, app: null, stream: null, object: null, receivedAt: now, body };
}

import type { LiveFaults } from '../live/live-faults.ts';
import type { VendorState } from '../live/vendor-state.ts';
import type { OssFaults } from '../oss/faults.ts';
import type { ObjectStore } from '../oss/object-store.ts';
import {
  type BroadcastCounts,
  type BroadcastStream,
  broadcast,
  type Progress,
  type Studio,
  type TroubledCallback,
  until,
} from './broadcaster.ts';
import { type DeliveryPolicy, VENDOR_DELIVERY } from './deliver.ts';
import { GroundTruth, type InjectedRow } from './ground-truth.ts';
import { PicturePainter } from './picture.ts';
import { playOutage } from './play-outage.ts';
import { Random } from './random.ts';
import type { ConfigFaultOrder, ScheduledFault } from './scheduled-fault.ts';

/** Where the callbacks of an app go once somebody else has changed its config. */
const FOREIGN_CALLBACK = 'http://127.0.0.1:9/not-ours';

export interface BroadcasterOptions {
  state: VendorState;
  /** Where pictures of a bucket are written; the vendor writes into OSS on its own side. */
  storeOf(bucket: string): ObjectStore;
  streams: readonly BroadcastStream[];
  faults?: readonly ScheduledFault[];
  liveFaults?: LiveFaults;
  ossFaults?: OssFaults;
  /** Takes our receiver down for `receiver_down`; resolves once it is back, with the span that it was away. Without it: an error. */
  receiverDown?: (forMs: number) => Promise<{ from: number; to: number }>;
  /** Something that was ordered could not be done; the rest goes on, and `finished` and `stop` will throw. */
  onFailure?: (error: unknown) => void;
  seed?: number;
  /** 0 to 0.4, default 0.3. */
  jitter?: number;
  delivery?: DeliveryPolicy;
  announceAfterMs?: number;
  noticeEndAfterMs?: number;
  /** Pictures drawn a second, see `PicturePainter`. */
  picturesPerSecond?: number;
}

export interface Broadcasters {
  startedAtMs: number;
  /** What was made to go wrong so far. */
  injected(): InjectedRow[];
  /** What was ordered and has not happened (yet). */
  notInjected(): ScheduledFault[];
  /** One more fault while it runs. `atMs` of an order counts from the start of the broadcasters. */
  inject(fault: ScheduledFault): void;
  counts(): BroadcastCounts;
  /** Callbacks that nobody took, or only after seconds, though nothing was ordered to happen to them. */
  troubled(): TroubledCallback[];
  /** By stream name. */
  progress(): ReadonlyMap<string, Progress>;
  /** Resolves when every stream has played all its sessions and no callback is under way. */
  finished(): Promise<void>;
  stop(): Promise<void>;
}

/** Sets streams going against the vendor's state, as the real service would be seen from outside. */
export function startBroadcasters(options: BroadcasterOptions): Broadcasters {
  const stopping = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  const faults: ScheduledFault[] = [...(options.faults ?? [])];
  const studio: Studio = {
    state: options.state,
    storeOf: options.storeOf,
    painter: new PicturePainter(
      options.picturesPerSecond === undefined ? {} : { perSecond: options.picturesPerSecond },
    ),
    truth: new GroundTruth(),
    random: new Random(options.seed ?? 1),
    delivery: options.delivery ?? VENDOR_DELIVERY,
    jitter: options.jitter ?? 0.3,
    announceAfterMs: options.announceAfterMs ?? 2_000,
    noticeEndAfterMs: options.noticeEndAfterMs ?? 4_000,
    startedAtMs: Date.now(),
    stopped: stopping.signal,
    counts: { sessions: 0, captures: 0, callbacksDelivered: 0, callbacksLost: 0, requests: 0 },
    troubled: [],
    progress: new Map(),
    faults: () => faults,
    track(work) {
      const tracked = work
        .catch((error: unknown) => {
          if (stopping.signal.aborted) return;
          failures.push(error);
          options.onFailure?.(error);
        })
        .finally(() => underWay.delete(tracked));
      underWay.add(tracked);
    },
  };
  const schedule = (fault: ScheduledFault) => {
    if ('forMs' in fault) studio.track(playOutage(studio, options, fault));
    else if (fault.fault === 'callback_url_changed' || fault.fault === 'interval_changed') {
      studio.track(changeConfig(studio, fault));
    }
  };
  for (const fault of faults) schedule(fault);
  for (const stream of options.streams) studio.track(broadcast(studio, stream));

  const idle = async () => {
    while (underWay.size > 0) await Promise.all(underWay);
    if (failures.length === 0) return;
    const reasons = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
    throw new AggregateError(failures, `The broadcasters failed: ${[...new Set(reasons)].join('; ')}`);
  };
  return {
    startedAtMs: studio.startedAtMs,
    injected: () => studio.truth.rows(),
    notInjected: () => faults.filter((fault) => !studio.truth.has(fault)),
    inject(fault) {
      faults.push(fault);
      schedule(fault);
    },
    counts: () => ({ ...studio.counts }),
    troubled: () => [...studio.troubled],
    progress: () => studio.progress,
    finished: idle,
    async stop() {
      stopping.abort();
      await idle();
    },
  };
}

async function changeConfig(studio: Studio, order: ConfigFaultOrder): Promise<void> {
  await until(studio, studio.startedAtMs + order.atMs);
  const domain = order.domain ?? studio.state.domains()[0]?.domain;
  const config = domain === undefined ? null : studio.state.config(domain, order.app);
  if (domain === undefined || config === null) throw new Error(`there is no config of app ${order.app} to change`);
  const change =
    order.fault === 'callback_url_changed'
      ? { callback: FOREIGN_CALLBACK }
      : { intervalSeconds: config.intervalSeconds * 2 };
  studio.state.changeConfig(domain, order.app, change);
  const at = Date.now();
  const where = { domain, app: order.app, stream: '*' };
  studio.truth.note(order, order.fault, where, { from: at, to: at, captures: 0 }, true);
}

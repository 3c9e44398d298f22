import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveFaults } from '../live/live-faults.ts';
import type { OssFaults } from '../oss/faults.ts';
import { type Studio, until } from './broadcaster.ts';
import type { EndpointFault } from './fault-kinds.ts';
import type { OutageOrder } from './scheduled-fault.ts';

/** What an outage takes away. */
export interface OutageParts {
  liveFaults?: LiveFaults;
  ossFaults?: OssFaults;
  /** Takes our receiver down for `receiver_down`; resolves once it is back, with the span that it was away. Without it: an error. */
  receiverDown?: (forMs: number) => Promise<{ from: number; to: number }>;
}

/** One outage from its beginning to its end, and into the ground truth as it really was. */
export async function playOutage(
  studio: Pick<Studio, 'startedAtMs' | 'stopped' | 'truth'>,
  parts: OutageParts,
  order: OutageOrder,
): Promise<void> {
  await until(studio, studio.startedAtMs + order.atMs);
  const from = Date.now();
  if (order.fault === 'receiver_down') {
    if (!parts.receiverDown) throw new Error('receiver_down needs a receiver of ours in the same process (the demo)');
    const span = await parts.receiverDown(order.forMs);
    studio.truth.note(order, order.fault, null, { ...span, captures: 0 }, true);
    return;
  }
  const met = Promise.withResolvers<number>();
  const restore = breakEndpoint(order.fault, parts, () => met.resolve(Date.now()));
  try {
    const planned = from + order.forMs;
    await until(studio, planned);
    if (order.met) {
      const latest = planned + order.met.patienceMs;
      const tooLate = sleep(latest - Date.now(), latest, { signal: studio.stopped });
      await until(studio, Math.min(latest, (await Promise.race([met.promise, tooLate])) + order.met.forMs));
    }
  } finally {
    restore();
  }
  studio.truth.note(order, order.fault, null, { from, to: Date.now(), captures: 0 }, true);
}

/** The returned function makes it well again. */
function breakEndpoint(fault: EndpointFault, { ossFaults, liveFaults }: OutageParts, onHit: () => void): () => void {
  const oss = (mode: '503-slow-down' | '500-xml' | 'timeout') => {
    if (!ossFaults) throw new Error(`${fault} needs the OSS stand-in`);
    return ossFaults.set({ kind: 'any', mode, onHit });
  };
  const live = (mode: '500-json' | 'throttle' | 'timeout') => {
    if (!liveFaults) throw new Error(`${fault} needs the Live stand-in`);
    return liveFaults.set({ mode, onHit });
  };
  switch (fault) {
    case 'oss_unavailable':
      return oss('500-xml');
    case 'oss_throttled':
      return oss('503-slow-down');
    case 'oss_timeout':
      return oss('timeout');
    case 'live_unavailable':
      return live('500-json');
    case 'live_throttled':
      return live('throttle');
    case 'live_timeout':
      return live('timeout');
    default:
      throw new RangeError(fault satisfies never);
  }
}

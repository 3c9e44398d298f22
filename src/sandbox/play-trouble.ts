import { setTimeout as sleep } from 'node:timers/promises';
import type { BroadcastStream } from './broadcast/broadcaster.ts';
import { CAPTURE_FAULTS } from './broadcast/fault-kinds.ts';
import { Random } from './broadcast/random.ts';
import type { Broadcasters } from './broadcast/start-broadcasters.ts';

const EVERY_MS = 15_000;

/** Lets something go wrong with a stream now and then, for as long as it is not stopped. */
export function playTrouble(
  broadcasters: Broadcasters,
  streams: readonly BroadcastStream[],
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const random = new Random(Date.now() % 1_000_000);
  const play = async () => {
    for (;;) {
      await sleep(EVERY_MS, undefined, { signal: stopping.signal });
      const { stream } = random.pick(streams);
      const progress = broadcasters.progress().get(stream);
      if (!progress) continue;
      const fault = random.pick(CAPTURE_FAULTS);
      const first = progress.capture + 2;
      const last = first + (random.chance(0.6) ? 0 : random.int(1, 3));
      const afterMs = fault === 'callback_delayed' ? 16_000 : 3_000;
      broadcasters.inject({ fault, stream, session: progress.session, first, last, afterMs });
    }
  };
  const playing = play().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    async stop() {
      stopping.abort();
      await playing;
    },
  };
}

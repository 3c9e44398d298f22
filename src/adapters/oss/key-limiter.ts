import Bottleneck from 'bottleneck';

const TICK_MS = 250;
/** The most that one call can cost: a full page. */
const PAGE_KEYS = 1000;

/**
 * Paces the keys read from one bucket. OSS serves about 2,000 keys a second where names are sequential, as timestamps are
 * (reference/oss.md, section 2). A call reserves what it may return at most, and gives back what it did not.
 */
export class KeyLimiter {
  readonly #bottleneck: Bottleneck;

  constructor(keysPerSecond: number) {
    const perTick = Math.max(1, Math.floor((keysPerSecond * TICK_MS) / 1000));
    // What idleness may save up: one call's worth, and half a tick so that short pages follow one another without waiting
    // for the next tick. Full pages still come no faster than the limit, in any second.
    const burst = Math.max(PAGE_KEYS, perTick) + Math.ceil(perTick / 2);
    const options: Bottleneck.ConstructorOptions = {
      reservoir: burst,
      reservoirIncreaseAmount: perTick,
      reservoirIncreaseInterval: TICK_MS,
      reservoirIncreaseMaximum: burst,
      // Looked at more often than it is filled: a tick that comes a millisecond early would otherwise skip a whole one.
      heartbeatInterval: TICK_MS / 10,
    };
    this.#bottleneck = new Bottleneck(options);
  }

  /** Runs `work` once `atMost` keys may be read; `work` tells how many it did read. */
  async run<T>(atMost: number, work: () => Promise<{ value: T; keys: number }>): Promise<T> {
    let keys = 0;
    return this.#bottleneck.schedule({ weight: atMost }, async () => {
      try {
        const done = await work();
        keys = done.keys;
        return done.value;
      } finally {
        // A failed call counts one key, so that a storm of failures is paced too.
        const unused = atMost - Math.max(1, keys);
        if (unused > 0) await this.#bottleneck.incrementReservoir(unused);
      }
    });
  }

  /** Waiting calls reject; running ones end by themselves. */
  async close(): Promise<void> {
    await this.#bottleneck.stop({ dropWaitingJobs: true });
    await this.#bottleneck.disconnect();
  }
}

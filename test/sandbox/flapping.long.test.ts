import { afterEach, expect, it } from 'vitest';
import { deliver, VENDOR_DELIVERY } from '../../src/sandbox/broadcast/deliver.ts';
import { snapshotCallback } from '../../src/sandbox/broadcast/vendor-callbacks.ts';
import { type AlertingWorld, createAlertingWorld, DOMAIN, START, type WorldStream } from '../support/alerting-world.ts';
import { KEY, startTestReceiver, type TestReceiver } from '../support/receiver.ts';

/** Ten minutes of the sandbox's callbacks, signed and over HTTP, into the real receiver, on a clock that is driven. */

const STEP_SECONDS = 4;

let world: AlertingWorld | undefined;
let running: TestReceiver | undefined;
afterEach(async () => {
  await running?.close();
  await world?.close();
});

it.each([
  ['with the settings as they come', {}, {}],
  ['where each calm is long enough to be resolved', { resolveAfter: '5s', auditWait: '5s' }, { grace: '6s' }],
])(
  'ten flaps in ten minutes give at most three messages, %s',
  async (_case, settings, watch) => {
    world = await createAlertingWorld({ apps: { live: 20 }, alerting: settings, watch });
    const { streams, pass, now, database, titles, alerting } = world;
    running = await startTestReceiver(database, { clock: { now }, publicUrl: 'http://127.0.0.1:1' });
    const { url } = running;
    const stopped = new AbortController().signal;
    const call = async (stream: WorldStream, at: number) => {
      const object = `snapshot/${stream.app}/${stream.stream}/${Math.floor(at / 1000)}.jpg`;
      const notice = {
        domain: DOMAIN,
        ...stream,
        endpoint: 'oss.example.com',
        bucket: 'bucket-a',
        object,
        overlay: false,
        capturedAtMs: at,
      };
      const style = { names: 'pascal', time: 'milliseconds' } as const;
      const build = () => snapshotCallback(`${url}/callbacks/snapshot`, notice, style, KEY, now());
      expect(await deliver(build, VENDOR_DELIVERY, stopped)).toEqual({ status: 200, attempts: 1 });
    };
    /** Every stream is called back about on its beat, but those that are silent. */
    const broadcast = async (seconds: number, silent: WorldStream | null) => {
      for (let second = 0; second < seconds; second += STEP_SECONDS) {
        const from = now();
        await pass({ seconds: STEP_SECONDS, step: STEP_SECONDS, silent: () => true, alerting: false });
        const calls = streams.flatMap((stream) => {
          if (stream === silent) return [];
          const beat = 10_000;
          const at = Math.ceil((from - stream.phaseMs) / beat) * beat + stream.phaseMs;
          return at < now() ? [call(stream, at)] : [];
        });
        await Promise.all(calls);
        await alerting.raise();
        await alerting.sendAll();
      }
    };

    await broadcast(40, null);
    expect(titles()).toEqual([]);
    const victim = streams[3]!;
    for (let flap = 0; flap < 10; flap++) {
      await broadcast(32, victim);
      await broadcast(28, null);
    }
    expect(now() - START).toBe(640_000);
    expect(titles()[0]).toBe(`[Open] callbacks stopped: ${DOMAIN}/live/${victim.stream}`);
    expect(titles().length).toBeLessThanOrEqual(3);
    await broadcast(900, null);
    // The last word comes when it has been steady.
    expect(titles().filter((title) => title.startsWith('[Resolved]')).length).toBeLessThanOrEqual(2);
    expect(titles().at(-1)).toContain('[Resolved]');
    expect(new Set(titles().map((title) => title.split('/').at(-1)))).toEqual(new Set([victim.stream]));
  },
  180_000,
);

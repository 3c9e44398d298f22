import type { BroadcastStream, PublishTime } from './broadcast/broadcaster.ts';
import type { EndpointFault } from './broadcast/fault-kinds.ts';
import type { CaptureFaultOrder, ScheduledFault } from './broadcast/scheduled-fault.ts';
import type { BodyStyle } from './broadcast/vendor-callbacks.ts';
import type { SandboxApp } from './sandbox.ts';

/** What `demo --once` plays: every fault once, each where nothing else can explain what it does. */
export interface Scenario {
  apps: SandboxApp[];
  streams: BroadcastStream[];
  faults: ScheduledFault[];
  /** From the start to the last capture. */
  playsForMs: number;
}

const SECOND = 1_000;
const INTERVAL_SECONDS = 5;

/** Lengths are tied to one another: an outage of ours, then the faults (a capture within 35 s before an outage could be blamed on it). */
const OUTAGE = { atMs: 12 * SECOND, forMs: 13 * SECOND };
const SESSION_MS = 100 * SECOND;
const FIRST_FAULTY_CAPTURE = 10;
/** Between the two publishes of an app whose config somebody changed: time to notice the change. */
const CHANGED = { atMs: 29 * SECOND, firstEndsMs: 33 * SECOND, secondStartsMs: 42 * SECOND };

export function onceScenario(domain: string): Scenario {
  const streams: BroadcastStream[] = [];
  const faults: ScheduledFault[] = [];
  const add = (
    stream: string,
    options: { app?: string; publishes?: PublishTime[]; timestamps?: 'seconds' | 'milliseconds' } = {},
  ) => {
    const index = streams.length;
    const startMs = (index % 8) * 150;
    streams.push({
      domain,
      app: options.app ?? 'live',
      stream,
      timestamps: options.timestamps ?? (index % 3 === 2 ? 'milliseconds' : 'seconds'),
      body: bodyStyle(index),
      publishes: options.publishes ?? [{ startMs, lengthMs: SESSION_MS }],
    });
  };
  const harm = (fault: CaptureFaultOrder['fault'], stream: string, first: number, last = first, afterMs = 3 * SECOND) =>
    faults.push({ fault, stream, session: 1, first, last, afterMs });
  const single = FIRST_FAULTY_CAPTURE;
  const run = single + 3;

  // Nothing happens to these, except what happens to all.
  for (const stream of ['cam01', 'cam02', 'cam03', '客厅-1']) add(stream);
  add('dropped');
  harm('callback_dropped', 'dropped', single);
  harm('callback_dropped', 'dropped', run, run + 1);
  add('delayed');
  harm('callback_delayed', 'delayed', single, single, 16 * SECOND);
  add('twice');
  harm('callback_twice', 'twice', single);
  add('badly-signed');
  harm('callback_badly_signed', 'badly-signed', single, single + 1);
  add('forged');
  harm('callback_forged', 'forged', single);
  add('not-stored');
  harm('object_not_stored', 'not-stored', single);
  add('deleted');
  harm('object_deleted', 'deleted', single, single + 1);
  add('misnamed');
  harm('object_misnamed', 'misnamed', single);
  add('skipped');
  harm('capture_skipped', 'skipped', single);
  harm('capture_skipped', 'skipped', run, run + 2);
  add('slower');
  faults.push({ fault: 'beat_slower', stream: 'slower', session: 1, factor: 2 });
  add('faster', { timestamps: 'milliseconds' });
  faults.push({ fault: 'beat_faster', stream: 'faster', session: 1, factor: 0.5 });
  add('after-the-end', { publishes: [{ startMs: 0, lengthMs: 36 * SECOND }] });
  faults.push({ fault: 'capture_outside_session', stream: 'after-the-end', session: 1, afterMs: 25 * SECOND });

  const restarted = [
    { startMs: 0, lengthMs: CHANGED.firstEndsMs },
    { startMs: CHANGED.secondStartsMs, lengthMs: SESSION_MS - CHANGED.secondStartsMs },
  ];
  add('moved', { app: 'moved', publishes: restarted });
  faults.push({ fault: 'callback_url_changed', app: 'moved', atMs: CHANGED.atMs });
  add('stretched', { app: 'stretched', publishes: restarted });
  faults.push({ fault: 'interval_changed', app: 'stretched', atMs: CHANGED.atMs });

  // Each in an audit of its own: one that cannot look takes a while over it, the longer the slower the machine.
  const away = (oss: EndpointFault, live: EndpointFault, atMs: number, forMs: number) => {
    const met = { forMs: forMs - 5 * SECOND, patienceMs: 9 * SECOND };
    faults.push({ fault: oss, atMs, forMs, met }, { fault: live, atMs, forMs, met });
  };
  faults.push({ fault: 'receiver_down', ...OUTAGE });
  away('oss_unavailable', 'live_unavailable', 44 * SECOND, 8 * SECOND);
  away('oss_throttled', 'live_throttled', 62 * SECOND, 12 * SECOND);
  away('oss_timeout', 'live_timeout', 84 * SECOND, 13 * SECOND);
  return { apps: scenarioApps(), streams, faults, playsForMs: SESSION_MS + 2 * SECOND };
}

/** The apps of the demo's one domain. */
export function scenarioApps(): SandboxApp[] {
  return [
    { app: 'live', sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg' },
    { app: 'moved', sequenceObject: '{AppName}/{StreamName}-{UnixTimestamp}.jpg' },
    { app: 'stretched', sequenceObject: 'shots/{AppName}/{StreamName}/{UnixTimestamp}-{Sequence}.jpg' },
  ].map((app) => ({ ...app, intervalSeconds: INTERVAL_SECONDS }));
}

function bodyStyle(index: number): BodyStyle {
  const times = ['milliseconds', 'seconds', 'none'] as const;
  return { names: index % 2 === 0 ? 'pascal' : 'snake', time: times[index % 3]! };
}

import { parse } from 'yaml';
import { z } from 'zod';
import { CAPTURE_FAULTS, type CaptureFault, ENDPOINT_FAULTS, type EndpointFault } from './fault-kinds.ts';

/** Goes wrong with captures `first` to `last` (counted from 1) of one session of one stream. */
export interface CaptureFaultOrder {
  fault: CaptureFault;
  stream: string;
  /** Counted from 1. */
  session: number;
  first: number;
  last: number;
  /** `callback_delayed`: by how much; `object_deleted`: after how long. */
  afterMs: number;
}

/** One session keeps another beat than the configured interval, by this factor. */
export interface BeatFaultOrder {
  fault: 'beat_slower' | 'beat_faster';
  stream: string;
  session: number;
  factor: number;
}

/** Somebody changes the vendor's configuration of an app, without us; running sessions keep what they began with. */
export interface ConfigFaultOrder {
  fault: 'callback_url_changed' | 'interval_changed';
  domain?: string | undefined;
  app: string;
  atMs: number;
}

/** Something is away from `atMs` after the start on, for `forMs`. */
export interface OutageOrder {
  fault: EndpointFault | 'receiver_down';
  atMs: number;
  forMs: number;
  /** An endpoint stays away until it has been called for so long, `patienceMs` longer at most: whoever is slow to call is to see it. */
  met?: { forMs: number; patienceMs: number };
}

/** The picture of a stream is taken that long after one of its sessions has ended. */
export interface StrayOrder {
  fault: 'capture_outside_session';
  stream: string;
  session: number;
  afterMs: number;
}

export type ScheduledFault = CaptureFaultOrder | BeatFaultOrder | ConfigFaultOrder | OutageOrder | StrayOrder;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `20s`, `1500ms`, `2m`, `1h`. */
export const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h)$/, 'a whole number with ms, s, m or h, such as 20s')
  .transform((text) => {
    const unit = text.replace(/^\d+/, '') as keyof typeof UNITS;
    return Number.parseInt(text, 10) * UNITS[unit];
  });

const captures = z
  .union([z.number().int().min(1), z.string().regex(/^\d+-\d+$/)])
  .transform((given) => (typeof given === 'number' ? [given, given] : given.split('-').map(Number)))
  .refine(([first, last]) => first! >= 1 && first! <= last!, 'such as 7 or 7-9, counted from 1');

const session = z.number().int().min(1).default(1);

const orders = z.discriminatedUnion('fault', [
  z
    .strictObject({
      fault: z.enum(CAPTURE_FAULTS),
      stream: z.string(),
      session,
      captures,
      after: duration.optional(),
    })
    .transform(({ fault, stream, session: ordinal, captures: [first, last], after }): CaptureFaultOrder => {
      const afterMs = after ?? (fault === 'callback_delayed' ? 45_000 : 3_000);
      return { fault, stream, session: ordinal, first: first!, last: last!, afterMs };
    }),
  z
    .strictObject({
      fault: z.enum(['beat_slower', 'beat_faster']),
      stream: z.string(),
      session,
      factor: z.number().positive().optional(),
    })
    .transform(
      (order): BeatFaultOrder => ({ ...order, factor: order.factor ?? (order.fault === 'beat_slower' ? 2 : 0.5) }),
    ),
  z
    .strictObject({
      fault: z.enum(['callback_url_changed', 'interval_changed']),
      domain: z.string().optional(),
      app: z.string(),
      at: duration,
    })
    .transform(({ at, ...order }): ConfigFaultOrder => ({ ...order, atMs: at })),
  z
    .strictObject({ fault: z.enum([...ENDPOINT_FAULTS, 'receiver_down']), at: duration, for: duration })
    .transform(({ fault, at, for: forMs }): OutageOrder => ({ fault, atMs: at, forMs })),
  z
    .strictObject({ fault: z.literal('capture_outside_session'), stream: z.string(), session, after: duration })
    .transform(({ after, ...order }): StrayOrder => ({ ...order, afterMs: after })),
]);

const faultsFile = z.strictObject({ faults: z.array(orders) });

/** What there is to harm; a receiver of ours only where it runs in the same process (the demo). */
export interface Cast {
  domains: readonly string[];
  apps: readonly string[];
  streams: readonly string[];
  hasReceiver: boolean;
  /** How long a stream rests between two sessions. */
  pauseMs: number;
}

/** Reads a faults file (YAML or JSON). Throws one error that names every mistake. */
export function parseFaultsFile(text: string, cast: Cast): ScheduledFault[] {
  const read = faultsFile.safeParse(readYaml(text));
  if (!read.success) refuse(read.error.issues.map(({ path, message }) => [path.join('.') || 'the file', message]));
  const { faults } = read.data;
  const problems = faults.flatMap((fault, index) =>
    impossible(fault, cast).map((problem) => [`faults.${index}`, problem]),
  );
  if (problems.length > 0) refuse(problems);
  return faults;
}

function refuse(problems: readonly (readonly string[])[]): never {
  const lines = problems.map(([where, problem]) => `  - ${where}: ${problem}`);
  throw new Error(['The faults file has mistakes:', ...lines].join('\n'));
}

function readYaml(text: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (error) {
    return refuse([['the file', `is no YAML or JSON (${(error as Error).message.split('\n')[0]})`]]);
  }
}

/** Why an order can never be carried out. */
function impossible(fault: ScheduledFault, { domains, apps, streams, hasReceiver, pauseMs }: Cast): string[] {
  const oneOf = (what: string, name: string, known: readonly string[]) =>
    known.includes(name) ? [] : [`there is no ${what} "${name}": there is ${shortList(known)}`];
  if (fault.fault === 'receiver_down') {
    return hasReceiver
      ? []
      : ['receiver_down needs a receiver of ours in the same process: stop `snapaudit serve` instead'];
  }
  if (fault.fault === 'capture_outside_session' && fault.afterMs >= pauseMs) {
    return [`after must be shorter than the pause of ${pauseMs / 1_000} s: the next session goes on by then`];
  }
  if ('stream' in fault) return oneOf('stream', fault.stream, streams);
  if (!('app' in fault)) return [];
  return [
    ...oneOf('app', fault.app, apps),
    ...(fault.domain === undefined ? [] : oneOf('domain', fault.domain, domains)),
  ];
}

const shortList = (names: readonly string[]) =>
  names.length > 3 ? `${names[0]} to ${names.at(-1)}` : names.join(', ');

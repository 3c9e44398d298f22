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

/** Reads a faults file (YAML or JSON). Throws one error that names every mistake. */
export function parseFaultsFile(text: string): ScheduledFault[] {
  const read = faultsFile.safeParse(parse(text) ?? {});
  if (read.success) return read.data.faults;
  const problems = read.error.issues.map(({ path, message }) => `  - ${path.join('.') || 'the file'}: ${message}`);
  throw new Error(['The faults file has mistakes:', ...problems].join('\n'));
}

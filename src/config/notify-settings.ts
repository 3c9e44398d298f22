import { Cron } from 'croner';
import { z } from 'zod';
import { INCIDENT_KINDS, SEVERITIES } from '../core/incident.ts';
import { domainName } from './domain-name.ts';
import { durationSeconds } from './duration.ts';
import { secretRef } from './secret-ref.ts';
import { uniqueBy } from './unique-by.ts';

/** The sections `notify`, `alerting`, `watch` and `maintenance` of the settings file. */

const when = z
  .strictObject({
    /** The least severity that this channel hears of. */
    severity: z.enum(SEVERITIES).default('info'),
    /** silence and gap are one story: either names both. */
    kinds: z.array(z.enum(INCIDENT_KINDS)).default([]),
    domains: z.array(domainName).default([]),
    apps: z.array(z.string()).default([]),
  })
  .prefault({});

const everyChannel = {
  /** Names the channel in commands, lists and metrics. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a short name of a-z, 0-9 and -'),
  when,
  sendResolved: z.boolean().default(true),
  /** Tell as well when the audit confirms a suspicion. */
  sendUpdates: z.boolean().default(false),
  locale: z.enum(['en', 'zh-CN']).optional(),
  /** How often an open incident is told again; 0 never. */
  repeat: durationSeconds({ min: 0 }).optional(),
};

const robot = { url: secretRef(), secret: secretRef().optional() };

const channel = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('dingtalk'), ...everyChannel, ...robot }),
  z.strictObject({ type: z.literal('feishu'), ...everyChannel, ...robot }),
  z.strictObject({ type: z.literal('wecom'), ...everyChannel, url: secretRef() }),
  z.strictObject({ type: z.literal('slack'), ...everyChannel, url: secretRef() }),
  z.strictObject({
    type: z.literal('email'),
    ...everyChannel,
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(587),
    /** tls: from the first byte; starttls: required before anything else; none: only for a relay on this machine. */
    security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
    /** PEM file of a private CA. */
    caFile: z.string().optional(),
    user: z.string().optional(),
    password: secretRef().optional(),
    from: z.string().min(3),
    to: z.array(z.string().min(3)).min(1),
  }),
  z.strictObject({
    type: z.literal('webhook'),
    ...everyChannel,
    url: secretRef(),
    /** `whsec_…`, as the Standard Webhooks specification writes it. */
    secret: secretRef(),
  }),
  z.strictObject({
    type: z.literal('alertmanager'),
    ...everyChannel,
    /** Base URL, e.g. http://alertmanager:9093; basic auth as user:password@ in it. */
    url: secretRef(),
    /** Open alerts are sent again so often; they end by themselves when four in a row fail to come. */
    resendEvery: durationSeconds({ min: 1, max: 3600 }).default(60),
  }),
]);

const uniqueNames = uniqueBy('name', { remedy: 'rename one' });

export const notifySettings = z.array(channel).default([]).superRefine(uniqueNames.check, uniqueNames.params);

const timeZone = z.string().refine(isTimeZone, 'a time zone such as Asia/Shanghai or UTC');

export const alertingSettings = z
  .strictObject({
    locale: z.enum(['en', 'zh-CN']).default('en'),
    timeZone: timeZone.default('UTC'),
    repeat: durationSeconds({ min: 0 }).default(4 * 3600),
    /** So many messages waiting for one channel go out as one digest. */
    digestFrom: z.int().min(2).default(4),
    resolveAfter: durationSeconds({ min: 0 }).default(60),
    flapHold: durationSeconds({ min: 0 }).default(600),
    flapWindow: durationSeconds({ min: 1 }).default(600),
    reopenWithin: durationSeconds({ min: 0 }).default(1800),
    auditWait: durationSeconds({ min: 0 }).default(240),
    storm: z
      .strictObject({
        ratio: z.number().gt(0).lt(1).default(0.5),
        minStreams: z.int().min(2).default(3),
      })
      .prefault({}),
    severity: z.partialRecord(z.enum(INCIDENT_KINDS), z.enum(SEVERITIES)).default({}),
    /** Channel URLs may lead into these private ranges (CIDR); true: into any. */
    allowPrivate: z.union([z.boolean(), z.array(z.cidrv4().or(z.cidrv6()))]).default(false),
    /** A dead-man's switch that is called while all is well here. */
    heartbeat: z.strictObject({ url: secretRef(), every: durationSeconds({ min: 5 }).default(60) }).optional(),
    /** Make incidents of callbacks that came late, too. */
    late: z.boolean().default(false),
    /** So many rejected requests within five minutes are an incident. */
    rejectedFrom: z.int().min(1).default(10),
    /** No finished audit for so long, with streams on air, is an incident. */
    auditStalledAfter: durationSeconds({ min: 60 }).default(900),
  })
  .prefault({})
  .transform(
    ({
      resolveAfter,
      flapHold,
      flapWindow,
      reopenWithin,
      auditWait,
      repeat,
      auditStalledAfter,
      heartbeat,
      ...rest
    }) => ({
      ...rest,
      repeatSeconds: repeat,
      auditStalledAfterSeconds: auditStalledAfter,
      heartbeat: heartbeat ? { url: heartbeat.url, everySeconds: heartbeat.every } : null,
      rules: {
        resolveAfterSeconds: resolveAfter,
        flapHoldSeconds: flapHold,
        flapWindowSeconds: flapWindow,
        reopenWithinSeconds: reopenWithin,
        auditWaitSeconds: auditWait,
        storm: rest.storm,
      },
    }),
  );

export const watchSettings = z
  .strictObject({
    /** The vendor notices a dead push up to 10 s late, so less than that suspects streams that merely ended. */
    grace: durationSeconds({ min: 6 }).default(15),
    misses: z.int().min(1).default(1),
    missRatio: z
      .strictObject({ ratio: z.number().gt(0).lt(1), over: durationSeconds({ min: 60, max: 3600 }).default(300) })
      .optional(),
    every: durationSeconds({ min: 1, max: 60 }).default(1),
  })
  .prefault({})
  .transform(({ grace, missRatio, every, misses }) => ({
    everySeconds: every,
    rules: {
      misses,
      graceSeconds: grace,
      missRatio: missRatio ? { ratio: missRatio.ratio, overSeconds: missRatio.over } : null,
    },
  }));

export const maintenanceSettings = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a short name of a-z, 0-9 and -'),
      /** Five fields, in `timeZone`. */
      cron: z.string().refine(isCron, 'a cron line of five fields that comes, e.g. "0 2 * * 1" for Mondays at 02:00'),
      timeZone: timeZone.default('UTC'),
      duration: durationSeconds({ min: 60, max: 7 * 86_400 }),
      domain: domainName.optional(),
      app: z.string().optional(),
      stream: z.string().optional(),
      reason: z.string().min(1),
    }),
  )
  .default([])
  .superRefine(uniqueNames.check, uniqueNames.params);

export type ChannelSettings = z.output<typeof channel>;

function isCron(line: string): boolean {
  try {
    return new Cron(line, { mode: '5-part', paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

import { z } from 'zod';
import { MEANINGS } from '../core/callback-aliases.ts';
import type { Mode } from '../core/capture.ts';
import { isTemplateDeletion, validateTemplate } from '../core/template.ts';
import { domainName } from './domain-name.ts';
import { durationSeconds } from './duration.ts';
import { alertingSettings, maintenanceSettings, notifySettings, watchSettings } from './notify-settings.ts';
import { uniqueBy } from './unique-by.ts';

/**
 * The settings file (SNAPAUDIT_CONFIG, YAML). Every key that people write stands here once; unknown keys are mistakes.
 * Durations are written `10s` and read as seconds, hence the `Seconds` in the names of the parsed form.
 */

/** The vendor's rules for object names, held before any call is made. */
function objectName(mode: Mode) {
  return z
    .string()
    .nullish()
    .superRefine((name, context) => {
      if (name == null) return;
      const problems = isTemplateDeletion(name) ? ['is "-": leave the line out instead'] : validateTemplate(name, mode);
      for (const problem of problems) context.addIssue({ code: 'custom', message: problem });
    });
}

const appSettings = z
  .strictObject({
    app: z
      .string()
      .regex(/^(\*|[A-Za-z0-9][A-Za-z0-9_-]{0,254})$/, 'an app name (letters, digits, - and _, at most 255) or "*"'),
    interval: durationSeconds({ min: 5, max: 3600 }),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'an OSS bucket name (3 to 63 of a-z, 0-9, -)'),
    endpoint: z
      .string()
      .regex(/^[a-z0-9.-]+(:\d+)?$/i, 'a host name such as oss-cn-shanghai.aliyuncs.com, without https://'),
    sequenceObject: objectName('sequence'),
    overwriteObject: objectName('overwrite'),
    /** Fields that may differ at the vendor; they are neither reported nor changed. */
    ignore: z
      .array(z.enum(['interval', 'bucket', 'endpoint', 'sequenceObject', 'overwriteObject', 'callback']))
      .default([]),
    /** The receiver that stood here before: every accepted callback is passed on to it unchanged. */
    forward: z
      .string()
      .regex(/^https?:\/\/[^\s/]+\S*$/i, 'a URL that begins with http:// or https://')
      .nullish(),
  })
  .superRefine(
    (app, context) => {
      if (app.sequenceObject || app.overwriteObject) return;
      const message = 'needs sequenceObject or overwriteObject (or both)';
      context.addIssue({ code: 'custom', path: ['sequenceObject'], message });
    },
    // Beside mistakes in other fields too; not beside one in these two, whose value is then not known.
    {
      when: ({ value, issues }) =>
        typeof value === 'object' && value !== null && !issues.some(({ path }) => /Object$/.test(String(path?.[0]))),
    },
  )
  .transform(({ interval, ignore, ...app }) => ({
    ...app,
    intervalSeconds: interval,
    ignore: ignore.map((field) => (field === 'interval' ? ('intervalSeconds' as const) : field)),
    forward: app.forward ?? null,
    sequenceObject: app.sequenceObject ?? null,
    overwriteObject: app.overwriteObject ?? null,
  }));

/** A publish callback names nothing but the ingest domain: two domains with one could not tell whose stream it is. */
const ownPushDomains = {
  check(entries: readonly { domain?: unknown; pushDomain?: unknown }[], context: z.RefinementCtx): void {
    const told = (name: unknown) => (typeof name === 'string' ? name.toLowerCase() : null);
    for (const [index, entry] of entries.entries()) {
      const pushDomain = told(entry?.pushDomain);
      if (pushDomain === null) continue;
      const other = entries.find(
        (one, at) => at !== index && (told(one?.pushDomain) === pushDomain || told(one?.domain) === pushDomain),
      );
      if (other === undefined || told(other.domain) === told(entry.domain)) continue;
      const message = `"${pushDomain}" is a name of ${other.domain} too, and a publish callback names nothing else; keep it at one of the two`;
      context.addIssue({ code: 'custom', path: [index, 'pushDomain'], message });
    }
  },
  params: { when: ({ value }: { value: unknown }) => Array.isArray(value) },
};
const uniqueApps = uniqueBy('app');
const uniqueDomains = uniqueBy('domain', { spelling: (domain) => domain.toLowerCase() });

const domainSettings = z.strictObject({
  /** Main streaming domain. */
  domain: domainName,
  /** Ingest domain, for publish callbacks. */
  pushDomain: domainName.optional(),
  mode: z.enum(['observe', 'enforce']).default('observe'),
  /** May be empty at first: `plan --adopt` writes what stands at the vendor. */
  apps: z.array(appSettings).superRefine(uniqueApps.check, uniqueApps.params).default([]),
});

const auditSettings = z
  .strictObject({
    settle: durationSeconds({ min: 1 }).default(60),
    lateAfter: durationSeconds({ min: 1 }).default(30),
    every: durationSeconds({ min: 1 }).default(60),
    pollEvery: durationSeconds({ min: 1 }).default(30),
  })
  .prefault({})
  .transform(({ settle, lateAfter, every, pollEvery }) => ({
    settleSeconds: settle,
    lateAfterSeconds: lateAfter,
    everySeconds: every,
    pollEverySeconds: pollEvery,
  }));

const callbackSettings = z
  .strictObject({
    /** How far ALI-LIVE-TIMESTAMP may be from our clock. */
    clockWindow: durationSeconds({ min: 1 }).default(300),
    /** Further names for a meaning of the body, tried after the built-in ones (core/callback-aliases.ts). */
    aliases: z.partialRecord(z.enum(MEANINGS), z.array(z.string())).default({}),
    /** Room for callbacks while PostgreSQL is away, about 600 bytes each. */
    spoolMegabytes: z.int().min(16).max(1_048_576).default(1_024),
    /** `forward` may lead into these private ranges (CIDR); true: into any. */
    forwardAllowPrivate: z.union([z.boolean(), z.array(z.cidrv4().or(z.cidrv6()))]).default(false),
  })
  .prefault({})
  .transform(({ clockWindow, ...callbacks }) => ({ clockWindowSeconds: clockWindow, ...callbacks }));

const retentionSettings = z
  .strictObject({
    /** How many days of captures are kept; absent: for ever. Gaps and hourly counts stay in any case. */
    captureDays: z.int().min(1).nullish(),
    quarantineDays: z.int().min(1).default(30),
  })
  .prefault({})
  .transform(({ captureDays, quarantineDays }) => ({ captureDays: captureDays ?? null, quarantineDays }));

export const settingsSchema = z.strictObject({
  /** What people call the account that the domains belong to; the pages show it. */
  account: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .nullish()
    .transform((account) => account ?? null),
  domains: z
    .array(domainSettings)
    .min(1, 'needs at least one domain')
    .superRefine(uniqueDomains.check, uniqueDomains.params)
    .superRefine(ownPushDomains.check, ownPushDomains.params),
  audit: auditSettings,
  callbacks: callbackSettings,
  retention: retentionSettings,
  notify: notifySettings,
  alerting: alertingSettings,
  watch: watchSettings,
  maintenance: maintenanceSettings,
});

export type Settings = z.output<typeof settingsSchema>;

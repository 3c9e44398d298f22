import { z } from 'zod';
import { instant } from './schemas.ts';

/** What plan, apply and restore look like outside. */

const value = z.union([z.string(), z.number()]).nullable();

export const stepSchema = z.object({
  kind: z.enum([
    'add_config',
    'update_config',
    'delete_config',
    'set_callback_auth',
    'delete_callback_auth',
    'set_push_notify',
  ]),
  domain: z.string(),
  app: z.string().nullable(),
  changes: z.array(z.object({ field: z.string(), to: value })),
});

const failures = z
  .array(z.object({ domain: z.string(), message: z.string() }))
  .describe('Domains that could not be looked at: nothing is known of them.');
const digest = z.string().describe('Names exactly these steps; give it back to agree to them.');

export const planSchema = z.object({
  digest,
  failures,
  domains: z.array(
    z.object({
      domain: z.string(),
      mode: z.enum(['observe', 'enforce']),
      entries: z.array(
        z.object({
          kind: z.enum(['config', 'callback_auth', 'push_notify']),
          app: z.string().nullable(),
          state: z.enum(['in_sync', 'drifted', 'pending_reingest', 'missing', 'unmanaged', 'unknown']),
          driftedSince: instant.nullable(),
          differences: z.array(z.object({ field: z.string(), desired: value, actual: value })),
          pending: z
            .array(z.object({ app: z.string(), stream: z.string(), startedAt: instant }))
            .describe('Running sessions that are still served by an older version.'),
        }),
      ),
      steps: z.array(stepSchema),
      warnings: z.array(z.string()),
    }),
  ),
});

export const restorePlanSchema = z.object({
  digest,
  failures,
  domains: z.array(z.object({ domain: z.string(), remembered: z.number().int(), steps: z.array(stepSchema) })),
});

export const outcomeSchema = z.object({
  done: z.array(stepSchema),
  failed: z.array(z.object({ step: stepSchema, message: z.string() })),
  failures,
});

import { z } from 'zod';
import { VendorRefusal } from './vendor-refusal.ts';
import type { VendorDomain, VendorState } from './vendor-state.ts';

/** What the real service does with an Update that asks to remove Callback is not documented; the stand-in can play each answer. */
export type CallbackRemoval = 'removed' | 'kept' | 'literal' | 'refused';

export interface ActionContext {
  state: VendorState;
  bucketExists: (bucket: string) => boolean;
  callbackRemoval: CallbackRemoval;
}

export type Answer = Record<string, unknown>;

/** One row of the action table: rules, limit and effect. */
export interface LiveAction {
  name: string;
  /** null: no documented limit. */
  callsPerSecond: number | null;
  run(query: Record<string, string>, context: ActionContext): Answer;
}

/**
 * Rules are zod schemas over the query's strings. The message of a rule is the vendor's error code where it has a code of its own;
 * any other breach is `MissingParam` or `MalformedParam`.
 */
export function liveAction<Shape extends z.ZodType>(
  name: string,
  callsPerSecond: number | null,
  parameters: Shape,
  run: (parameters: z.output<Shape>, context: ActionContext) => Answer,
): LiveAction {
  return {
    name,
    callsPerSecond,
    run(query, context) {
      const parsed = parameters.safeParse(query);
      if (parsed.success) return run(parsed.data, context);
      const issue = parsed.error.issues[0]!;
      const field = issue.path.join('.');
      if (issue.path[0] !== undefined && query[String(issue.path[0])] === undefined) {
        throw new VendorRefusal(400, 'MissingParam', `The parameter ${field} is required.`);
      }
      const code = /^[A-Z]\w+(\.[A-Z]\w+)?$/.test(issue.message) ? issue.message : 'MalformedParam';
      throw new VendorRefusal(400, code, `The parameter ${field} is not valid.`);
    },
  };
}

export const domainName = z.string().regex(/^[a-z0-9*][a-z0-9.-]+$/i);
/** At most 255 letters, digits, `-`, `_`, not starting with `-` or `_`. */
export const appName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/);
export const appNameOrAll = z.union([z.literal('*'), appName]);
export const streamName = z.string().min(1).max(255);
export const yesOrNo = z.enum(['yes', 'no']);

/** A whole number in a string, within bounds. */
export function whole(min: number, max: number, code = 'MalformedParam') {
  return z
    .string()
    .regex(/^\d+$/, code)
    .transform(Number)
    .refine((value) => value >= min && value <= max, code);
}

/** `yyyy-MM-ddTHH:mm:ssZ`, whole seconds. */
export function utcTime(code: string) {
  return z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, code)
    .transform((text) => Date.parse(text))
    .refine((ms) => !Number.isNaN(ms), code);
}

/** Whole seconds, as the vendor writes them. */
export function formatUtc(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** The domain this name belongs to, or the refusal that the vendor gives for a domain that is not the account's. */
export function ownDomain(state: VendorState, name: string): VendorDomain {
  const domain = state.domainOf(name);
  if (!domain) {
    throw new VendorRefusal(404, 'InvalidDomain.NotFound', 'The domain provided does not belong to you.');
  }
  return domain;
}

/** As `ownDomain`, for calls that want the main streaming domain. */
export function ownStreamingDomain(state: VendorState, name: string): VendorDomain {
  const domain = ownDomain(state, name);
  if (domain.domain !== name) {
    throw new VendorRefusal(400, 'InvalidDomainName.Malformed', 'The domain is not a main streaming domain.');
  }
  return domain;
}

export interface Page<T> {
  items: T[];
  total: number;
  pages: number;
}

export function page<T>(items: readonly T[], number: number, size: number): Page<T> {
  return {
    items: items.slice((number - 1) * size, number * size),
    total: items.length,
    pages: Math.ceil(items.length / size),
  };
}

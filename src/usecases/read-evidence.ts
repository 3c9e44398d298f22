import * as z from 'zod';
import type { EvidenceLine, EvidenceType } from '../core/evidence.ts';
import { type Instant, parseInstant } from '../core/instant.ts';

/** Evidence that cannot be understood. The message names the line (null: none is to blame) and the field. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError';
  readonly line: number | null;
  constructor(line: number | null, problem: string) {
    super(line === null ? problem : `line ${line}: ${problem}`);
    this.line = line;
  }
}

const instant = z.string().transform((text, context) => {
  const parsed = parseInstant(text);
  if (parsed !== null) return parsed;
  context.addIssue({
    code: 'custom',
    message: 'is not an RFC 3339 instant with a zone, such as 2026-11-24T02:46:26.000Z',
  });
  return z.NEVER;
});
const name = z.string().min(1);
const streamKey = { domain: name, app: name, stream: name };
const span = { from: instant, to: instant };
const SPAN_ORDER = { path: ['to'], message: 'is before "from"' };
const inOrder = ({ from, to }: { from: Instant; to: Instant }) => to >= from;
/** The vendor's `-` switches a mode off. */
const objectTemplate = z
  .string()
  .nullable()
  .default(null)
  .transform((text) => (text === '' || text === '-' ? null : text));

/** Optional fields have the value that their absence means; unknown fields are left out. */
const SCHEMAS = {
  window: z
    .object({
      type: z.literal('window'),
      ...span,
      now: instant,
      settleSeconds: z.number().min(0),
      lateAfterSeconds: z.number().min(0),
      callbackUrl: z.string().nullable().default(null),
    })
    .refine(inOrder, SPAN_ORDER),
  config: z.object({
    type: z.literal('config'),
    domain: name,
    app: name,
    validFrom: instant,
    intervalSeconds: z.number().min(1).max(86_400),
    bucket: z.string(),
    endpoint: z.string().default(''),
    sequenceObject: objectTemplate,
    overwriteObject: objectTemplate,
    callback: z.string().nullable().default(null),
    absent: z.boolean().optional(),
  }),
  session: z
    .object({ type: z.literal('session'), ...streamKey, startedAt: instant, endedAt: instant.nullable() })
    .refine(({ startedAt, endedAt }) => endedAt === null || endedAt >= startedAt, {
      path: ['endedAt'],
      message: 'is before "startedAt"',
    }),
  callback: z.object({
    type: z.literal('callback'),
    ...streamKey,
    bucket: name,
    object: name,
    capturedAt: instant.nullable().default(null),
    receivedAt: instant,
    verified: z.boolean(),
  }),
  object: z.object({
    type: z.literal('object'),
    bucket: name,
    key: name,
    lastModified: instant,
    size: z.number().min(0).default(0),
  }),
  index: z.object({
    type: z.literal('index'),
    ...streamKey,
    object: name,
    createdAt: instant,
    overlay: z.boolean().nullable().default(null),
  }),
  listed: z
    .object({ type: z.literal('listed'), bucket: name, prefix: z.string(), ...span })
    .refine(inOrder, SPAN_ORDER),
  indexed: z.object({ type: z.literal('indexed'), ...streamKey, ...span }).refine(inOrder, SPAN_ORDER),
  rejected: z.object({
    type: z.literal('rejected'),
    object: name,
    receivedAt: instant,
    reason: z.string().default(''),
  }),
  blind: z.object({ type: z.literal('blind'), ...span }).refine(inOrder, SPAN_ORDER),
  unkept: z.object({ type: z.literal('unkept'), ...span }).refine(inOrder, SPAN_ORDER),
  excused: z
    .object({
      type: z.literal('excused'),
      ...span,
      domain: z.string().nullable().default(null),
      app: z.string().nullable().default(null),
      stream: z.string().nullable().default(null),
      reason: z.string().default(''),
    })
    .refine(inOrder, SPAN_ORDER),
  lifecycle: z.object({
    type: z.literal('lifecycle'),
    bucket: name,
    prefix: z.string(),
    days: z.number().min(0).nullable(),
  }),
} satisfies { [T in EvidenceType]: z.ZodType<Extract<EvidenceLine, { type: T }>> };

const TYPES = Object.keys(SCHEMAS);

/** Reads one line; throws `EvidenceError`. `lineNumber` counts from 1. */
export function parseEvidence(text: string, lineNumber: number): EvidenceLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EvidenceError(lineNumber, 'is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EvidenceError(lineNumber, 'is not a JSON object');
  }
  const type = 'type' in value ? value.type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(SCHEMAS, type)) {
    const found = type === undefined ? 'field "type" is missing' : `field "type" is ${JSON.stringify(type)}`;
    throw new EvidenceError(lineNumber, `${found}; known types are ${TYPES.join(', ')}`);
  }
  const result = SCHEMAS[type as EvidenceType].safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new EvidenceError(lineNumber, `${type}: field "${issue!.path.join('.')}": ${issue!.message}`);
}

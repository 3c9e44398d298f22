import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { z } from 'zod';

export interface EncodedAnswer {
  body: Buffer;
  /** Weak: the same answer may go out gzipped or not. */
  etag: string;
  packed: Promise<Buffer> | null;
}

/** Below this, packing costs more than it saves. */
const PACK_FROM_BYTES = 4_096;
const compress = promisify(gzip);

/** An answer that is handed out again, as the wall's are until something changes, is the same object: it is encoded once. */
const encoded = new WeakMap<object, EncodedAnswer>();

export function encodeAnswer(schema: z.ZodType, result: unknown): EncodedAnswer {
  const known = typeof result === 'object' && result !== null ? result : {};
  const before = encoded.get(known);
  if (before) return before;
  const body = Buffer.from(JSON.stringify(z.encode(schema, result)));
  const etag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const answer: EncodedAnswer = { body, etag, packed: null };
  encoded.set(known, answer);
  return answer;
}

/** The gzipped body, or null where the body is too small for it. */
export function packed(answer: EncodedAnswer): Promise<Buffer> | null {
  if (answer.body.length < PACK_FROM_BYTES) return null;
  answer.packed ??= compress(answer.body, { level: constants.Z_BEST_SPEED });
  return answer.packed;
}

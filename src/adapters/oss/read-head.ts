import type { ObjectWitness } from '../../core/witness.ts';
import { BadAnswerError } from './bad-answer-error.ts';
import type { RawHeaders } from './oss-client.ts';

/** Reads the headers of a HEAD. A gateway answers 200 too, so what only OSS sends must be there. */
export function readHead(bucket: string, key: string, status: number, headers: RawHeaders): ObjectWitness {
  if (status !== 200) throw new BadAnswerError(`its status is ${status}`);
  if (!headers['x-oss-request-id']) throw new BadAnswerError('it does not come from OSS (no request id)');
  const lastModified = Date.parse(String(headers['last-modified']));
  if (!Number.isFinite(lastModified)) throw new BadAnswerError('it has no Last-Modified');
  const sizeBytes = Number(headers['content-length'] ?? Number.NaN);
  if (!(sizeBytes >= 0)) throw new BadAnswerError('it has no Content-Length');
  return { bucket, key, lastModified, sizeBytes };
}

import type { IncomingMessage } from 'node:http';

/**
 * The bytes of a request as they came, never unpacked. Null where there are more than `limitBytes` (what follows is not kept) and
 * undefined where the client went away. Nothing is guessed from Content-Type: the signature does not cover it either.
 */
export function readRawBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | null | undefined> {
  return new Promise((resolve) => {
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
      resolve(null);
      return;
    }
    let chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) chunks.push(chunk);
      else {
        chunks = [];
        resolve(null);
      }
    });
    // A body in one piece is the rule: nothing is copied then.
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}

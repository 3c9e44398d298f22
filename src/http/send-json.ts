import type { ServerResponse } from 'node:http';

/** Answers with JSON, whether or not Express has seen the request. */
export function sendJson(
  response: ServerResponse,
  value: unknown,
  { status = 200, contentType = 'application/json; charset=utf-8' } = {},
): void {
  const text = JSON.stringify(value);
  // One string with its length: Node sends it in one write with the headers.
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

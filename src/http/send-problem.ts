import type { ServerResponse } from 'node:http';
import { type ProblemError, problemBody } from './problem.ts';
import { sendJson } from './send-json.ts';

/** Answers with `application/problem+json` (RFC 9457). */
export function sendProblem(response: ServerResponse, problem: ProblemError): void {
  const body = problemBody(problem);
  if (problem.retryAfterSeconds !== null) response.setHeader('Retry-After', String(problem.retryAfterSeconds));
  sendJson(response, body, { status: body.status, contentType: 'application/problem+json; charset=utf-8' });
}

import type { Response } from 'express';
import { type ProblemError, problemBody } from './problem.ts';

/** Answers with `application/problem+json` (RFC 9457). */
export function sendProblem(response: Response, problem: ProblemError): void {
  const body = problemBody(problem);
  if (problem.retryAfterSeconds !== null) response.setHeader('Retry-After', String(problem.retryAfterSeconds));
  response.status(body.status).type('application/problem+json').send(JSON.stringify(body));
}

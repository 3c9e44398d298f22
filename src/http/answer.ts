import type { ServerResponse } from 'node:http';
import { type ProblemError, problemBody } from './problem.ts';

/** A whole answer with a body of text. What every answer has (`Date`, `Connection`) is added by whoever sends it. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** The connection ends with it. */
  isLast?: boolean;
}

export function jsonAnswer(value: unknown): Answer {
  return answerOf(200, 'application/json; charset=utf-8', value);
}

/** `application/problem+json` (RFC 9457). */
export function problemAnswer(problem: ProblemError): Answer {
  const body = problemBody(problem);
  const answer = answerOf(body.status, 'application/problem+json; charset=utf-8', body);
  if (problem.retryAfterSeconds === null) return answer;
  return { ...answer, headers: { ...answer.headers, 'Retry-After': String(problem.retryAfterSeconds) } };
}

function answerOf(status: number, contentType: string, value: unknown): Answer {
  const body = JSON.stringify(value);
  return {
    status,
    headers: { 'Content-Type': contentType, 'Content-Length': String(Buffer.byteLength(body)) },
    body,
  };
}

/** Through Node's server, whether or not Express has seen the request. A string with its length goes out in one write with the headers. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (answer.isLast) response.shouldKeepAlive = false;
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

export function sendProblem(response: ServerResponse, problem: ProblemError): void {
  sendAnswer(response, problemAnswer(problem));
}

import http from 'node:http';
import https from 'node:https';
import type { ForwardAnswer, Forwarder } from '../../ports.ts';
import { type AllowedPrivate, addressProblem, guardedLookup, RefusedAddressError } from './outgoing-guard.ts';

const TIMEOUT_MS = 10_000;

/**
 * Sends an accepted callback on, body and headers untouched. Private and link-local addresses are refused unless allowed, at the moment of
 * connecting; redirects are not followed.
 */
export function createCallbackForwarder(options: { allowPrivate: AllowedPrivate; timeoutMs?: number }): Forwarder {
  const { allowPrivate } = options;
  return {
    async send({ target, headers, bodyBase64 }, signal) {
      const url = URL.canParse(target) ? new URL(target) : null;
      if (!url || !['http:', 'https:'].includes(url.protocol)) return refused('the target is no http or https URL');
      const literal = url.hostname.replace(/^\[|\]$/g, '');
      if (/^[0-9.]+$/.test(literal) || literal.includes(':')) {
        const problem = addressProblem(literal, allowPrivate);
        if (problem) return refused(inOurWords(problem));
      }
      return post(url, headers, Buffer.from(bodyBase64, 'base64'), signal);
    },
  };

  function post(
    url: URL,
    headers: Record<string, string>,
    body: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<ForwardAnswer> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
    return new Promise((resolve) => {
      const call = (url.protocol === 'https:' ? https : http).request(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
        agent: false,
        lookup: guardedLookup(allowPrivate),
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      call.on('error', (error: NodeJS.ErrnoException) => {
        if (error instanceof RefusedAddressError) resolve(refused(inOurWords(error.message)));
        else resolve({ outcome: 'unreachable', reason: `${url.host}: ${error.code ?? error.name}` });
      });
      call.on('response', (response) => {
        response.resume();
        resolve(answerOf(url.host, response.statusCode ?? 0));
      });
      call.end(body);
    });
  }
}

const refused = (reason: string): ForwardAnswer => ({ outcome: 'refused', reason });

/** The guard speaks of channels; the remedy here is another setting. */
function inOurWords(problem: string): string {
  return problem.replace('alerting.allowPrivate', 'callbacks.forwardAllowPrivate');
}

function answerOf(host: string, status: number): ForwardAnswer {
  if (status >= 200 && status < 300) return { outcome: 'delivered' };
  const reason = `${host} answered HTTP ${status}`;
  const isPassing = status >= 500 || status === 408 || status === 425 || status === 429;
  return isPassing ? { outcome: 'unreachable', reason } : refused(reason);
}

import http from 'node:http';
import https from 'node:https';
import { ChannelError } from '../../ports.ts';
import { type AllowedPrivate, addressProblem, guardedLookup, RefusedAddressError } from './outgoing-guard.ts';

export interface PostAnswer {
  status: number;
  /** At most 64 kB of it, without what it repeats of our URL. */
  text: string;
}

export interface PostOptions {
  url: string;
  body: string;
  headers?: Record<string, string>;
  allowPrivate: AllowedPrivate;
  method?: 'POST' | 'GET';
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;
const USER_AGENT = 'snapaudit';

/**
 * Sends JSON and gives back any 2xx. Everything else is a `ChannelError` by what can be done about it. Redirects are not
 * followed. Errors name the host only: the path of a robot URL is a credential.
 */
export async function postJson(options: PostOptions): Promise<PostAnswer> {
  const url = URL.canParse(options.url) ? new URL(options.url) : null;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new ChannelError('The URL does not begin with https:// or http://.', { failure: 'permanent' });
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (/^[0-9.]+$/.test(literal) || literal.includes(':')) {
    const problem = addressProblem(literal, options.allowPrivate);
    if (problem) throw refused(url.host, problem);
  }
  const answer = await request(url, options);
  if (answer.status >= 200 && answer.status < 300) return { status: answer.status, text: answer.text };
  throw failureOfStatus(url.host, answer);
}

interface RawAnswer extends PostAnswer {
  retryAfter: string | undefined;
}

function request(url: URL, options: PostOptions): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const method = options.method ?? 'POST';
  const body = Buffer.from(options.body, 'utf8');
  const call = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    headers: {
      'user-agent': USER_AGENT,
      ...(method === 'POST'
        ? { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }
        : {}),
      ...options.headers,
    },
    // A connection of its own each time: one that was kept open could be cut between two messages and lose the second.
    agent: false,
    lookup: guardedLookup(options.allowPrivate),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  call.on('error', (error) => reject(failureOfConnection(url.host, error)));
  call.on('response', (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_ANSWER_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.on('error', (error) => reject(failureOfConnection(url.host, error)));
    response.on('close', () =>
      resolve({
        status: response.statusCode ?? 0,
        text: withoutSecrets(Buffer.concat(chunks).toString('utf8'), url),
        retryAfter: response.headers['retry-after'],
      }),
    );
  });
  call.end(method === 'POST' ? body : undefined);
  return promise;
}

function failureOfConnection(host: string, error: Error): ChannelError {
  if (error instanceof RefusedAddressError) return refused(host, error.message);
  const code =
    error.name === 'TimeoutError' || error.name === 'AbortError'
      ? 'timeout'
      : 'code' in error
        ? error.code
        : error.name;
  // Only these say for sure that nothing was sent.
  const unsent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(String(code));
  return new ChannelError(`${host} could not be reached (${String(code)}).`, {
    failure: 'transient',
    mayHaveArrived: !unsent,
  });
}

function refused(host: string, problem: string): ChannelError {
  return new ChannelError(`${host} is refused: ${problem}.`, { failure: 'permanent' });
}

function failureOfStatus(host: string, answer: RawAnswer): ChannelError {
  const { status } = answer;
  const asked = Number(answer.retryAfter);
  const retryAfterSeconds = Number.isFinite(asked) && asked > 0 ? Math.min(asked, 3600) : null;
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return new ChannelError(`${host} answered HTTP ${status}.`, {
      failure: 'transient',
      retryAfterSeconds: retryAfterSeconds ?? (status === 429 ? 60 : null),
    });
  }
  if (status >= 300 && status < 400) {
    return new ChannelError(`${host} answered with a redirect (HTTP ${status}), which is not followed.`, {
      failure: 'permanent',
    });
  }
  const permanent = [401, 403, 404, 405, 410].includes(status);
  return new ChannelError(`${host} refused it (HTTP ${status}): ${shortened(answer.text)}`, {
    failure: permanent ? 'permanent' : 'rejected',
  });
}

/** Servers like to say what they did not find: whatever of the URL stands in the answer is taken out of it. */
function withoutSecrets(text: string, url: URL): string {
  const parts = [...url.pathname.split('/'), ...url.searchParams.values(), url.username, url.password];
  const secrets = [url.search, ...parts.flatMap((part) => [part, decoded(part)])].filter((part) => part.length >= 6);
  return secrets.sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function shortened(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an answer goes into a log line
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line || 'no reason given';
}

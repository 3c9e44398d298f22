import type { IncomingMessage } from 'node:http';
import type { Scope } from '../core/token-scope.ts';
import { ProblemError } from './problem.ts';

/** Who calls. `local`: no token exists at all and the call came over loopback. */
export interface Actor {
  kind: 'token' | 'environment' | 'local';
  /** For the operator log: the token's id and name, never the token. */
  name: string;
  scope: Scope;
}

/** What `http` needs of usecases/manage-tokens.ts. */
export interface TokenChecker {
  /** Null where the token is not one of ours, is revoked or has expired. Takes the same time whatever the token is. */
  check(token: string): Promise<Actor | null>;
  /** False only where no token was ever made and none comes from the environment. */
  required(): Promise<boolean>;
}

/** The browser's session: the token itself, in a cookie that scripts cannot read and that no other site makes it send. */
export const SESSION_COOKIE = 'snapaudit_session';
/** Any value will do: a page of another site cannot send it without asking first (CORS), and is never allowed to. */
export const SESSION_WRITE_HEADER = 'x-snapaudit-request';

/**
 * Finds out who calls: `Authorization: Bearer …`, or the cookie that signing in has set. Where no token exists the service is open to this machine only, which
 * takes four things: the connection is loopback, no proxy has passed the call on (over one that runs here everyone comes from
 * loopback), the Host header names loopback (a page elsewhere that rebinds its own name to 127.0.0.1 still sends its own name)
 * and the browser, if it is one, does not call from another site.
 */
export async function authenticate(tokens: TokenChecker, request: IncomingMessage): Promise<Actor> {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const token = /^Bearer +([\x21-\x7e]{1,200}) *$/i.exec(header)?.[1];
    if (token === undefined) throw unauthenticated('Send the token as "Authorization: Bearer <token>".');
    const actor = await tokens.check(token);
    if (actor === null) throw unauthenticated('The token is not valid (any more).');
    return actor;
  }
  const token = sessionToken(request);
  if (token !== null) {
    // SameSite=Strict keeps the cookie at home; these two hold where a browser does not know SameSite.
    if (isCrossSite(request)) throw new ProblemError('forbidden', 'Another site may not call this service.');
    if (!isRead(request) && request.headers[SESSION_WRITE_HEADER] === undefined) {
      throw new ProblemError('forbidden', `A change with a session cookie needs the header ${SESSION_WRITE_HEADER}.`);
    }
    const actor = await tokens.check(token);
    if (actor === null) throw unauthenticated('The session has ended: its token is not valid any more.');
    return actor;
  }
  if (await tokens.required()) {
    throw unauthenticated('Send a token as "Authorization: Bearer <token>"; `snapaudit tokens create` makes one.');
  }
  if (!isLoopbackAddress(request.socket.remoteAddress) || !isLoopbackHost(request.headers.host)) {
    throw unauthenticated('No token exists yet, so only this machine may call; `snapaudit tokens create` makes one.');
  }
  if (isForwarded(request)) {
    throw unauthenticated('A call through a proxy needs a token; `snapaudit tokens create` makes one.');
  }
  if (isCrossSite(request)) throw new ProblemError('forbidden', 'Another site may not call this service.');
  return { kind: 'local', name: 'local', scope: 'admin' };
}

/** The token of the session cookie; null where there is none that could be one. */
export function sessionToken(request: IncomingMessage): string | null {
  const value = /(?:^|;) *snapaudit_session=([^;]{1,600})/.exec(request.headers.cookie ?? '')?.[1];
  if (value === undefined) return null;
  try {
    const token = decodeURIComponent(value);
    return /^[\x21-\x7e]{1,200}$/.test(token) ? token : null;
  } catch {
    return null;
  }
}

/** What proxies add; one that adds nothing cannot be told from a direct call. */
function isForwarded(request: IncomingMessage): boolean {
  return Object.keys(request.headers).some((name) => /^(forwarded|via|x-real-ip|x-forwarded-.*)$/.test(name));
}

function isRead(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function unauthenticated(detail: string): ProblemError {
  return new ProblemError('unauthenticated', detail);
}

export function isCrossSite(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = request.headers.origin;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== request.headers.host;
}

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/.test(address);
}

function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  return isLoopbackName(new URL(`http://${host}`).hostname);
}

function isLoopbackName(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}

/**
 * Why the service must not listen on `host`, or null where it may: without any token everyone who reaches the port
 * could read and change everything, so only loopback will do.
 */
export function bindingProblem(host: string, hasToken: boolean): string | null {
  if (hasToken || isLoopbackName(host)) return null;
  return (
    `Refusing to listen on ${host}: no API token exists, so everyone who reaches that address could read and change ` +
    'everything. Make one with `snapaudit tokens create --scope admin` or set SNAPAUDIT_API_TOKEN, or listen on 127.0.0.1.'
  );
}

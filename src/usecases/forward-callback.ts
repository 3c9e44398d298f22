import type { Settings } from '../config/settings.ts';
import type { Clock, ForwardedCallback, Forwarder } from '../ports.ts';
import { SNAPSHOT_CALLBACK_PATH } from './desired-domains.ts';

/** Name of the graphile-worker task that passes one callback on. */
export const FORWARD_TASK = 'forward-callback';

/** Later than this nobody waits for it any more: the vendor itself gives up after seconds. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

/** Where an accepted callback is passed on to; a name that could not be read is null. */
export type ForwardTargets = (domain: string | null, app: string | null) => readonly string[];

/**
 * The app's own entry comes before `*`. Of a callback that names no app every app of the domain may be meant, and of one that names no
 * domain every one.
 */
export function forwardTargets({ domains }: Pick<Settings, 'domains'>): ForwardTargets {
  const entries = domains.flatMap(({ domain, apps }) => apps.map(({ app, forward }) => ({ domain, app, forward })));
  const targetsOf = (some: typeof entries) => [
    ...new Set(some.map(({ forward }) => forward).filter((target) => target !== null)),
  ];
  const byName = new Map(entries.map((entry) => [`${entry.domain}/${entry.app}`, targetsOf([entry])]));
  const byDomain = new Map(
    domains.map(({ domain }) => [domain, targetsOf(entries.filter((e) => e.domain === domain))]),
  );
  const all = targetsOf(entries);
  return (domain, app) => {
    if (domain === null) return all;
    if (app === null) return byDomain.get(domain) ?? [];
    return byName.get(`${domain}/${app}`) ?? byName.get(`${domain}/*`) ?? [];
  };
}

/** The apps whose `forward` leads back to us: what we passed on there would come again without end. */
export function forwardsToOurselves({ domains }: Pick<Settings, 'domains'>, publicUrl: string): string[] {
  const ours = placeOf(`${publicUrl}${SNAPSHOT_CALLBACK_PATH}`);
  return domains.flatMap(({ domain, apps }) =>
    apps
      .filter(({ forward }) => forward !== null && placeOf(forward) === ours)
      .map(({ app }) => `${domain}/${app}: forward leads to this service itself: remove the line`),
  );
}

function placeOf(url: string): string {
  if (!URL.canParse(url)) return url;
  const { hostname, port, protocol, pathname } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}${pathname.replace(/\/+$/, '')}`;
}

/** Marks what a Snapaudit passed on; a Snapaudit that receives it keeps it, and does not pass it on again. */
export const FORWARDED_HEADER = 'snapaudit-forwarded';

/** Headers of the vendor's request that go along; the others belong to our own connection. */
const PASSED_ON = ['content-type', 'content-encoding', 'user-agent', 'ali-live-timestamp', 'ali-live-signature'];

export function forwardedCallback(
  target: string,
  request: { body: Uint8Array; headers: Record<string, string> },
  receivedAt: number,
): ForwardedCallback {
  const headers: Record<string, string> = Object.fromEntries(
    PASSED_ON.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, request.headers[name]]])),
  );
  headers[FORWARDED_HEADER] = '1';
  return { target, headers, bodyBase64: Buffer.from(request.body).toString('base64'), receivedAt };
}

export type ForwardOutcome =
  | { outcome: 'delivered' }
  /** Trying again would not help. */
  | { outcome: 'dropped'; reason: string };

/**
 * Passes one accepted callback on to the receiver that stood there before, body and headers as they came. Throws where another try can
 * help: the job queue makes it, with growing pauses.
 */
export async function forwardCallback(
  ports: { forwarder: Forwarder; clock: Clock },
  callback: ForwardedCallback,
  signal?: AbortSignal,
): Promise<ForwardOutcome> {
  const age = ports.clock.now() - callback.receivedAt;
  if (age > GIVE_UP_AFTER_MS) return { outcome: 'dropped', reason: 'it could not be delivered for a day' };
  const answer = await ports.forwarder.send(callback, signal);
  switch (answer.outcome) {
    case 'delivered':
      return { outcome: 'delivered' };
    case 'refused':
      return { outcome: 'dropped', reason: answer.reason };
    case 'unreachable':
      throw new Error(`The callback could not be passed on: ${answer.reason}`);
    default:
      throw new Error(`unknown answer ${JSON.stringify(answer satisfies never)}`);
  }
}

import type { Settings } from '../config/settings.ts';
import type { Clock, ForwardedCallback, Forwarder } from '../ports.ts';

/** Name of the graphile-worker task that passes one callback on. */
export const FORWARD_TASK = 'forward-callback';

/** Later than this nobody waits for it any more: the vendor itself gives up after seconds. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;

/** Where the accepted callbacks of an app are passed on to; the app's own entry comes before `*`. */
export function forwardTargets(settings: Pick<Settings, 'domains'>): (domain: string, app: string) => string | null {
  const targets = new Map(
    settings.domains.flatMap(({ domain, apps }) => apps.map((app) => [`${domain}/${app.app}`, app.forward] as const)),
  );
  return (domain, app) => {
    const own = targets.get(`${domain}/${app}`);
    return (own === undefined ? targets.get(`${domain}/*`) : own) ?? null;
  };
}

/** Headers of the vendor's request that go along; the others belong to our own connection. */
const PASSED_ON = ['content-type', 'content-encoding', 'user-agent', 'ali-live-timestamp', 'ali-live-signature'];

export function forwardedCallback(
  target: string,
  request: { body: Uint8Array; headers: Record<string, string> },
  receivedAt: number,
): ForwardedCallback {
  const headers = Object.fromEntries(
    PASSED_ON.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, request.headers[name]]])),
  );
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
): Promise<ForwardOutcome> {
  const age = ports.clock.now() - callback.receivedAt;
  if (age > GIVE_UP_AFTER_MS) return { outcome: 'dropped', reason: 'it could not be delivered for a day' };
  const answer = await ports.forwarder.send(callback);
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

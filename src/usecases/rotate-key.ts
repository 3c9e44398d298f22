import type { AuthView, DesiredDomain } from '../core/config-plan.ts';
import type { Instant } from '../core/instant.ts';
import type { SecretText } from '../core/secret-text.ts';
import type { OnlineStream } from '../ports.ts';
import { type ApplyReport, applyPlan } from './apply-plan.ts';
import { messageOfRefusal, type PlanFailure } from './plan-configs.ts';
import { type ConfigPorts, reconcileDomain } from './reconcile-configs.ts';

/** Which key of ours the vendor signs the sessions with that start now. */
export type VendorKey = 'current' | 'previous' | 'another' | 'none';

export interface KeyStanding {
  domain: string;
  kind: 'callback_auth' | 'push_notify';
  vendorKey: VendorKey;
  /** Since when that key stands at the vendor. */
  changedAt: Instant | null;
  /** On air since before then: they go on signing with the key that stood when they started. */
  oldSessions: { app: string; stream: string; startedAt: Instant }[];
  /** No callback can come any more that only the previous key explains. */
  safeToForget: boolean;
}

export interface KeyStandings {
  standings: KeyStanding[];
  failures: PlanFailure[];
}

/** "A new setting can take up to 5 minutes to work" (reference/live-api.md 1.1): a session of that time may have the old key. */
const SETTING_DELAY_MS = 5 * 60_000;
const KINDS = ['callback_auth', 'push_notify'] as const;

/** Whether the old key can be forgotten yet; asks the vendor who is on air, for only that list is complete. */
export async function keyStandings(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  previous: SecretText | null,
): Promise<KeyStandings> {
  const result: KeyStandings = { standings: [], failures: [] };
  for (const domain of desired) {
    try {
      result.standings.push(...(await standingsOf(ports, domain, previous)));
    } catch (error) {
      result.failures.push({ domain: domain.domain, message: messageOfRefusal(error) });
    }
  }
  return result;
}

async function standingsOf(
  ports: ConfigPorts,
  desired: DesiredDomain,
  previous: SecretText | null,
): Promise<KeyStanding[]> {
  const { key, domain } = desired;
  if (key === null) return [];
  const { actual } = await reconcileDomain(ports, desired);
  const online = await ports.live.onlineStreams(domain);
  const changes = await ports.store.keyChanges(domain);
  const now = ports.clock.now();
  const auths = { callback_auth: actual.callbackAuth, push_notify: actual.pushNotify?.auth ?? null };
  return KINDS.flatMap((kind): KeyStanding[] => {
    const auth = auths[kind];
    if (auth === null) return [];
    const vendorKey = whose(auth, key, previous);
    const changedAt = changes.findLast((change) => change.kind === kind)?.at ?? null;
    const oldSessions =
      changedAt === null ? [] : online.filter((stream) => stream.publishedAt < changedAt).map(session);
    const hasSettled = changedAt !== null && now >= changedAt + SETTING_DELAY_MS;
    const safeToForget = vendorKey === 'current' && hasSettled && oldSessions.length === 0;
    return [{ domain, kind, vendorKey, changedAt, oldSessions, safeToForget }];
  });
}

function session({ app, stream, publishedAt }: OnlineStream) {
  return { app, stream, startedAt: publishedAt };
}

function whose(auth: AuthView, current: SecretText, previous: SecretText | null): VendorKey {
  if (!auth.enabled || auth.key === null) return 'none';
  const digest = auth.key.digest();
  if (digest === current.digest()) return 'current';
  return digest === previous?.digest() ? 'previous' : 'another';
}

/** The running sessions sign with a key that the receiver would not accept any more. */
export class UnknownKeyError extends Error {
  override readonly name = 'UnknownKeyError';
}

/**
 * Sets our current key at the vendor, for callbacks and push callbacks. Running sessions go on with the old one, which must stand in
 * SNAPAUDIT_CALLBACK_KEY_PREVIOUS until `keyStandings` says that it is safe to forget it. Where the key at the vendor is neither
 * of ours although the domain is taken over, nothing is set unless `force`: the callbacks of running sessions are signed with it.
 */
export async function rotateKey(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  previous: SecretText | null,
  options: { force: boolean },
): Promise<ApplyReport> {
  if (!options.force) {
    const { standings } = await keyStandings(ports, desired, previous);
    for (const { domain, kind, vendorKey } of standings) {
      const isOurs = (await ports.store.takenOver(domain)).some((subject) => subject.kind === kind);
      if (vendorKey !== 'another' || !isOurs) continue;
      throw new UnknownKeyError(
        `${domain} signs with a key that is neither SNAPAUDIT_CALLBACK_KEY nor SNAPAUDIT_CALLBACK_KEY_PREVIOUS, so the callbacks of streams on air would be rejected. Put the key in use into SNAPAUDIT_CALLBACK_KEY_PREVIOUS, restart the service and try again (--force sets the new key all the same).`,
      );
    }
  }
  return applyPlan(ports, desired, { shown: null, only: KINDS });
}

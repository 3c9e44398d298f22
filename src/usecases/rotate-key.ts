import {
  type AuthView,
  type DesiredDomain,
  type DomainPlan,
  type PlanStep,
  subjectKey,
  subjectOf,
} from '../core/config-plan.ts';
import type { Instant } from '../core/instant.ts';
import type { SecretText } from '../core/secret-text.ts';
import type { OnlineStream } from '../ports.ts';
import { type ApplyOptions, type ApplyReport, carryOutPlan } from './apply-plan.ts';
import { noteKey } from './note-settings.ts';
import { type ConfigPlan, planConfigs } from './plan-configs.ts';
import { type ConfigPorts, reconcileDomain } from './reconcile-configs.ts';
import { type PlanFailure, workOnDomains } from './work-on-domains.ts';

/** Which key of ours the vendor signs the sessions with that start now. */
export type VendorKey = 'current' | 'previous' | 'another' | 'none';

export interface KeyStanding {
  domain: string;
  kind: 'callback_auth' | 'push_notify';
  vendorKey: VendorKey;
  /** Since when that key stands at the vendor. */
  changedAt: Instant | null;
  /** On air since before that key surely worked: they go on signing with the one that stood when they started. */
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

/**
 * Whether the old key can be forgotten yet; asks the vendor who is on air, for only that list is complete. What is remembered for `restore`
 * must not need the old key either, also of domains that left the settings, and where enforcing set the new one.
 */
export async function keyStandings(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  previous: SecretText | null,
): Promise<KeyStandings> {
  for (const domain of await ports.store.baselineDomains()) await ports.store.resealBaselines(domain);
  const { results, failures } = await workOnDomains(ports.store, desired, (domain) =>
    standingsOf(ports, domain, previous),
  );
  return { standings: results.flat(), failures };
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
    const settledAt = changedAt === null ? null : changedAt + SETTING_DELAY_MS;
    const oldSessions = settledAt === null ? [] : online.filter((s) => s.publishedAt < settledAt).map(session);
    const hasSettled = settledAt !== null && now >= settledAt;
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
class UnknownKeyError extends Error {
  override readonly name = 'UnknownKeyError';
}

/**
 * The calls that would set our current key at the vendor, for callbacks and push callbacks: only where they were taken over, and where
 * the push URL is not ours the key is left alone, too, for it is whoever put that URL there who signs. Running sessions go on with the
 * old key, which must stand in SNAPAUDIT_CALLBACK_KEY_PREVIOUS until `keyStandings` says that it is safe to forget it. Where the key at
 * the vendor is neither of ours although the domain is taken over, there is no plan unless `force`: the callbacks of running sessions
 * are signed with it.
 */
export async function planRotation(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  previous: SecretText | null,
  options: { force: boolean },
): Promise<ConfigPlan> {
  let unchecked: PlanFailure[] = [];
  if (!options.force) {
    const { standings, failures } = await keyStandings(ports, desired, previous);
    unchecked = failures;
    for (const { domain, kind, vendorKey } of standings) {
      const isOurs = (await ports.store.takenOver(domain)).some((subject) => subject.kind === kind);
      if (vendorKey !== 'another' || !isOurs) continue;
      throw new UnknownKeyError(
        `${domain} signs with a key that is neither SNAPAUDIT_CALLBACK_KEY nor SNAPAUDIT_CALLBACK_KEY_PREVIOUS, so the callbacks of streams on air would be rejected. Put the key in use into SNAPAUDIT_CALLBACK_KEY_PREVIOUS, restart the service and try again (--force sets the new key all the same).`,
      );
    }
  }
  // Which key signs there is not known: it is left alone.
  const checked = desired.filter(({ domain }) => unchecked.every((failure) => failure.domain !== domain));
  const plan = await planConfigs(ports, checked);
  const domains = plan.domains.map(async (domain) => ({ ...domain, steps: await rotatingSteps(ports, domain) }));
  return { failures: [...unchecked, ...plan.failures], domains: await Promise.all(domains) };
}

/** Makes the calls that `planRotation` showed. */
export async function rotateKey(
  ports: ConfigPorts,
  desired: readonly DesiredDomain[],
  options: ApplyOptions,
): Promise<ApplyReport> {
  return carryOutPlan(ports, desired, options, {
    stepsOf: (plan) => rotatingSteps(ports, plan),
    note: (domain) => noteKey(ports, domain),
  });
}

async function rotatingSteps({ store }: ConfigPorts, { domain, entries, steps }: DomainPlan): Promise<PlanStep[]> {
  const takenOver = new Set((await store.takenOver(domain)).map(subjectKey));
  const rotates = (key: string) =>
    entries.some((entry) => subjectKey(entry) === key && entry.differences.every(({ field }) => field !== 'url'));
  return steps.filter((step) => {
    const key = subjectKey(subjectOf(step));
    return subjectOf(step).kind !== 'config' && takenOver.has(key) && rotates(key);
  });
}

import { shownValue } from '../core/config-diff.ts';
import type { DesiredDomain } from '../core/config-plan.ts';
import { type ConfigStore, CouldNotLookError, type LiveApi, LiveApiError, type SnapshotConfig } from '../ports.ts';
import { type DoctorLine, fail, failure, ok, warn } from './doctor-line.ts';
import type { DoctorPorts, DoctorSubject } from './run-doctor.ts';

const HOUR_MS = 3_600_000;
/** No app or stream has this name: calls about it prove the right and touch nothing. */
const NOBODY = 'snapaudit-doctor-probe';
const CREDENTIAL_REASONS = [
  'no-credentials',
  'bad-signature',
  'unknown-access-key',
  'bad-security-token',
  'clock-skew',
];
const REGION_OF_ENDPOINT = /^(?:oss-)?([a-z]{2}-[a-z0-9-]+?)(?:-internal)?(?:\.oss)?\.aliyuncs\.com$/;

/** Credentials, one line per RAM action, regions, ingest domains and second callback URLs. */
export async function* checkLive(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const first = subject.desired[0];
  try {
    await (first ? ports.live.callbackAuth(first.domain) : ports.live.streamingDomains());
    yield ok('credentials', 'accepted by the Live API');
  } catch (error) {
    if (error instanceof CouldNotLookError && CREDENTIAL_REASONS.includes(error.reason)) {
      yield failure('credentials', error);
      return;
    }
    if (error instanceof CouldNotLookError && error.reason !== 'access-denied') {
      yield failure('Live API', error, `Let this machine reach ${subject.liveUrl}.`);
      return;
    }
    yield ok('credentials', 'accepted by the Live API');
  }
  if (!first) return;
  for (const { action, call } of readCalls(ports)) yield await permission(action, subject, call, fail);
  yield* checkWrites(ports, subject);
  for (const domain of subject.desired) {
    yield* checkRegion(ports.live, domain);
    yield* checkPushDomain(ports.live, domain);
    yield* checkSecondCallback(ports.live, domain);
  }
}

type Call = (domain: DesiredDomain) => Promise<unknown>;

function readCalls({ live, clock }: DoctorPorts): { action: string; call: Call }[] {
  const nobody = ({ domain }: DesiredDomain) => ({ domain, app: NOBODY, stream: NOBODY });
  const now = clock.now();
  return [
    { action: 'DescribeLiveSnapshotConfig', call: ({ domain }) => live.snapshotConfigs(domain) },
    { action: 'QuerySnapshotCallbackAuth', call: ({ domain }) => live.callbackAuth(domain) },
    { action: 'DescribeLiveSnapshotNotifyConfig', call: ({ domain }) => live.snapshotNotifyUrl(domain) },
    { action: 'DescribeLiveStreamsOnlineList', call: ({ domain }) => live.onlineStreams(domain) },
    { action: 'DescribeLiveStreamsPublishList', call: ({ domain }) => live.publishRecords(domain, now - HOUR_MS, now) },
    { action: 'DescribeLiveStreamState', call: (domain) => live.streamState(nobody(domain)) },
    {
      action: 'DescribeLiveStreamSnapshotInfo',
      call: async (domain) => {
        for await (const _ of live.snapshotRecords(nobody(domain), now - HOUR_MS, now)) return;
      },
    },
    { action: 'DescribeLiveDomainMapping', call: ({ domain }) => live.domainMapping(domain) },
    { action: 'DescribeLiveUserDomains', call: ({ domain }) => live.domainRegion(domain) },
    {
      action: 'DescribeLiveStreamsNotifyUrlConfig',
      call: async ({ pushDomain }) => (pushDomain === null ? null : live.notifyUrl(pushDomain)),
    },
  ];
}

type Severity = typeof fail | typeof warn;

async function permission(action: string, subject: DoctorSubject, call: Call, severity: Severity): Promise<DoctorLine> {
  const check = `live:${action}`;
  for (const domain of subject.desired) {
    try {
      await call(domain);
    } catch (error) {
      // Understood and refused for what it asked: the right is there.
      const isRefused = error instanceof LiveApiError && !/^InvalidDomain/.test(error.code);
      const remedy = `Grant the RAM action live:${action} on ${domain.domain}.`;
      if (!isRefused) return severity(check, failure(check, error).detail, remedy);
    }
  }
  return ok(check, 'allowed');
}

/** Rights to change what stands. Where no domain is to be enforced, whoever only audits may do without them. */
async function* checkWrites(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const { live } = ports;
  const { desired } = subject;
  const severity = desired.some(({ mode }) => mode === 'enforce') ? fail : warn;
  const allowed = (action: string, call: Call) => permission(action, subject, call, severity);

  // Of a config that does not exist these two are refused only after the right was checked, and so is Add of one that does.
  yield await allowed('UpdateLiveAppSnapshotConfig', ({ domain }) =>
    live.updateSnapshotConfig(domain, NOBODY, { intervalSeconds: 60 }),
  );
  yield await allowed('DeleteLiveAppSnapshotConfig', ({ domain }) => live.deleteSnapshotConfig(domain, NOBODY));
  const standing = new Map<string, SnapshotConfig>();
  for (const { domain } of desired) {
    const [first] = await live.snapshotConfigs(domain).catch(() => []);
    if (first) standing.set(domain, first);
  }
  if (desired.every(({ domain }) => standing.has(domain))) {
    yield await allowed('AddLiveAppSnapshotConfig', async ({ domain }) => {
      const { createdAt: _, ...config } = standing.get(domain)!;
      await live.addSnapshotConfig(config);
    });
  } else
    yield notTried('AddLiveAppSnapshotConfig', 'no config stands that it could be tried on', 'Run apply: it says.');

  yield* checkKeyWrites(ports, subject, allowed);
}

/** The other three have no harmless form; they are tried only when asked for, by setting what stands already. */
async function* checkKeyWrites(
  { live, store }: DoctorPorts,
  { desired, tryWrites }: DoctorSubject,
  allowed: (action: string, call: Call) => Promise<DoctorLine>,
): AsyncGenerator<DoctorLine> {
  const setKey = 'SetSnapshotCallbackAuth';
  const setPush = 'SetLiveStreamsNotifyUrlConfig';
  const withKey = desired.filter(({ key }) => key !== null);
  const withPush = desired.filter(({ pushDomain }) => pushDomain !== null);
  if (tryWrites) {
    yield await allowed(setKey, async ({ domain }) => {
      const { enabled, key } = await live.callbackAuth(domain);
      if (key !== null) await live.setCallbackAuth(domain, key, enabled);
    });
    yield await allowed(setPush, async ({ pushDomain }) => {
      if (pushDomain === null) return;
      const { url, auth } = await live.notifyUrl(pushDomain);
      if (url !== null) await live.setNotifyUrl(pushDomain, url, auth.key, auth.enabled);
    });
  } else {
    if (withKey.length === 0) yield ok(`live:${setKey}`, 'not needed: no callback key is set');
    else if (await wasApplied(store, withKey, 'callback_auth')) yield ok(`live:${setKey}`, 'apply has used it');
    else yield notTried(setKey);
    if (withPush.length === 0) yield ok(`live:${setPush}`, 'not needed: no ingest domain is in the settings');
    else if (await wasApplied(store, withPush, 'push_notify')) yield ok(`live:${setPush}`, 'apply has used it');
    else yield notTried(setPush);
  }

  const remove = 'DeleteSnapshotCallbackAuth';
  const keyless: DesiredDomain[] = [];
  for (const domain of withKey) if (!(await hadKey({ live, store }, domain))) keyless.push(domain);
  if (keyless.length === 0) yield ok(`live:${remove}`, 'not needed: what restore puts back is another key');
  else {
    const names = keyless.map(({ domain }) => domain).join(', ');
    yield notTried(
      remove,
      `only restore uses it, where no key stood before (${names})`,
      'Grant it before you need it.',
    );
  }
}

function notTried(
  action: string,
  reason = 'it would write',
  remedy = 'Run doctor --try-writes: it sets again what stands.',
): DoctorLine {
  return warn(`live:${action}`, `not tried: ${reason}`, remedy);
}

/** What was taken over was only asked for; a change that was recorded as ours was allowed. */
async function wasApplied(
  store: ConfigStore | null,
  desired: readonly DesiredDomain[],
  kind: 'callback_auth' | 'push_notify',
): Promise<boolean> {
  if (store === null) return false;
  try {
    const changes = await Promise.all(desired.map(({ domain }) => store.keyChanges(domain)));
    return changes.every((own) => own.some((change) => change.kind === kind && change.source === 'applied'));
  } catch {
    // A database that is not ready has a line of its own.
    return false;
  }
}

/** Whether a key stood before the take-over, or stands before one. */
async function hadKey(
  { live, store }: Pick<DoctorPorts, 'live' | 'store'>,
  { domain }: DesiredDomain,
): Promise<boolean> {
  try {
    const baselines = (await store?.baselines(domain)) ?? [];
    const former = baselines.find((baseline) => baseline.kind === 'callback_auth');
    return (former?.kind === 'callback_auth' ? former.former : await live.callbackAuth(domain)).key !== null;
  } catch {
    return false;
  }
}

async function* checkRegion(live: LiveApi, { domain, configs }: DesiredDomain): AsyncGenerator<DoctorLine> {
  const check = `region of ${domain}`;
  try {
    const region = await live.domainRegion(domain);
    if (region === null) {
      yield warn(
        check,
        'the vendor does not say',
        'Check by hand that the bucket is in the region of the live centre.',
      );
      return;
    }
    const endpoints = new Set(configs.map(({ endpoint }) => endpoint));
    for (const endpoint of endpoints) {
      const theirs = REGION_OF_ENDPOINT.exec(endpoint)?.[1];
      const remedy = `Use a bucket in ${region}: the vendor does not store across regions.`;
      if (theirs === region) yield ok(check, `${region}, as the bucket’s endpoint`);
      else if (theirs === undefined)
        yield warn(check, `${endpoint} names no region; the domain is in ${region}`, remedy);
      else yield fail(check, `the domain is in ${region}, the bucket’s endpoint is ${endpoint}`, remedy);
    }
  } catch (error) {
    yield failure(check, error);
  }
}

async function* checkPushDomain(live: LiveApi, { domain, pushDomain }: DesiredDomain): AsyncGenerator<DoctorLine> {
  const check = `ingest domain of ${domain}`;
  try {
    const { pushDomains } = await live.domainMapping(domain);
    if (pushDomain === null) {
      const detail = 'none in the settings: sessions come from polling alone';
      yield warn(check, detail, `Set pushDomain${pushDomains[0] ? ` to ${pushDomains[0]}` : ''} and run apply.`);
    } else if (pushDomains.includes(pushDomain)) yield ok(check, pushDomain);
    else {
      const known = pushDomains.join(', ') || 'none';
      yield fail(check, `${pushDomain} is not one of the domain’s (${known})`, 'Correct pushDomain in the settings.');
    }
  } catch (error) {
    yield failure(check, error);
  }
}

async function* checkSecondCallback(live: LiveApi, { domain }: DesiredDomain): AsyncGenerator<DoctorLine> {
  const check = `callbacks of ${domain}`;
  try {
    const notify = await live.snapshotNotifyUrl(domain);
    if (notify === null) yield ok(check, 'no second URL at the domain');
    else {
      const remedy = 'The vendor does not say which of the two is called: remove one of them.';
      yield warn(check, `the domain has a snapshot notify URL too (${shownValue('url', notify.url)})`, remedy);
    }
  } catch (error) {
    yield failure(check, error);
  }
}

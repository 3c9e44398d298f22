import type { DesiredDomain } from '../core/config-plan.ts';
import { CouldNotLookError, type LiveApi, LiveApiError } from '../ports.ts';
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
  if (!first) return;
  try {
    await ports.live.callbackAuth(first.domain);
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
  for (const { action, call } of [...readCalls(ports), ...probingWrites(ports)])
    yield await permission(action, subject, call);
  yield* repeatedWrites(ports, subject);
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

/** Update and Delete of a config that does not exist are refused only after the right was checked. */
function probingWrites({ live }: DoctorPorts): { action: string; call: Call }[] {
  return [
    {
      action: 'UpdateLiveAppSnapshotConfig',
      call: ({ domain }) => live.updateSnapshotConfig(domain, NOBODY, { intervalSeconds: 60 }),
    },
    { action: 'DeleteLiveAppSnapshotConfig', call: ({ domain }) => live.deleteSnapshotConfig(domain, NOBODY) },
  ];
}

async function permission(action: string, subject: DoctorSubject, call: Call): Promise<DoctorLine> {
  const check = `live:${action}`;
  for (const domain of subject.desired) {
    try {
      await call(domain);
    } catch (error) {
      // Understood and refused for what it asked: the right is there.
      const isRefused = error instanceof LiveApiError && !/^InvalidDomain/.test(error.code);
      if (!isRefused) return failure(check, error, `Grant the RAM action live:${action} on ${domain.domain}.`);
    }
  }
  return ok(check, 'allowed');
}

const REPEATABLE = ['SetSnapshotCallbackAuth', 'SetLiveStreamsNotifyUrlConfig'] as const;

/** These two have no harmless form; they are tried only when asked for, by setting what stands already. */
async function* repeatedWrites(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const { live } = ports;
  const takenOver = await Promise.all(subject.desired.map(({ domain }) => ports.store.takenOver(domain)));
  for (const action of REPEATABLE) {
    const kind = action === 'SetSnapshotCallbackAuth' ? 'callback_auth' : 'push_notify';
    if (!subject.tryWrites) {
      const used = takenOver.every((subjects) => subjects.some((each) => each.kind === kind));
      if (used) yield ok(`live:${action}`, 'apply has used it');
      else {
        yield warn(
          `live:${action}`,
          'not tried, for it would write',
          'Run doctor --try-writes: it sets again what stands.',
        );
      }
      continue;
    }
    yield await permission(action, subject, async ({ domain, pushDomain }) => {
      if (kind === 'callback_auth') {
        const { enabled, key } = await live.callbackAuth(domain);
        if (key !== null) await live.setCallbackAuth(domain, key, enabled);
      } else if (pushDomain !== null) {
        const { url, auth } = await live.notifyUrl(pushDomain);
        if (url !== null) await live.setNotifyUrl(pushDomain, url, auth.key, auth.enabled);
      }
    });
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
      yield warn(check, `the domain has a snapshot notify URL too (${notify.url})`, remedy);
    }
  } catch (error) {
    yield failure(check, error);
  }
}

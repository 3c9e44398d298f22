import { randomUUID } from 'node:crypto';
import { type HostForm, signCallback, signedHostsOf } from '../core/callback-signature.ts';
import type { DesiredDomain } from '../core/config-plan.ts';
import type { SecretText } from '../core/secret-text.ts';
import type { Buckets, ConfigStore, DatabaseReport, HttpProbe } from '../ports.ts';
import { SNAPSHOT_CALLBACK_PATH } from './desired-domains.ts';
import { type DoctorLine, fail, failure, ok, warn } from './doctor-line.ts';
import { checkLive } from './doctor-live.ts';
import type { ConfigPorts } from './reconcile-configs.ts';

/** What could not be opened is null: the checks that need it are left out, the others are made all the same. */
export interface DoctorPorts extends Pick<ConfigPorts, 'live' | 'clock'> {
  store: ConfigStore | null;
  buckets: Buckets;
  probe: HttpProbe;
  database: (() => Promise<DatabaseReport>) | null;
  /** Which form of our host a vendor's callback of the last day was signed with; null where none came. */
  signedHost: (() => Promise<HostForm | null>) | null;
}

export interface DoctorSubject {
  /** Empty where the settings could not be read. */
  desired: readonly DesiredDomain[];
  publicUrl: string | null;
  key: SecretText | null;
  clockWindowSeconds: number;
  /** With scheme, e.g. `https://live.aliyuncs.com`. */
  liveUrl: string;
  /** Also make the calls that write, by repeating what stands already. */
  tryWrites: boolean;
}

const OLDEST_POSTGRES = 15;
const SKEW_WARN_MS = 5_000;

/** Everything that must be right for audits to be right, cheapest first; each check stands alone, so one failure hides no other. */
export async function* runDoctor(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  yield* checkDatabase(ports);
  yield* checkClock(ports, subject);
  yield* checkLive(ports, subject);
  yield* checkBuckets(ports, subject);
  yield* checkKey(subject);
  yield* checkSignedHost(ports, subject);
  yield* checkCanary(ports, subject);
}

async function* checkDatabase(ports: DoctorPorts): AsyncGenerator<DoctorLine> {
  const check = 'database';
  if (ports.database === null) return;
  try {
    const report = await ports.database();
    if (report.majorVersion < OLDEST_POSTGRES) {
      yield fail(check, `PostgreSQL ${report.majorVersion}`, `Use PostgreSQL ${OLDEST_POSTGRES} or newer.`);
    } else if (!report.canCreate) {
      const remedy =
        'Grant CREATE on the database and its schema to the user of DATABASE_URL (partitions and jobs need it).';
      yield fail(check, 'the user may not create tables', remedy);
    } else if (report.pendingMigrations.length > 0) {
      yield warn(check, `${report.pendingMigrations.length} migrations are not applied`, 'Run snapaudit migrate.');
    } else yield ok(check, `PostgreSQL ${report.majorVersion}, schema up to date, rights suffice`);
  } catch (error) {
    yield failure(check, error, 'Check DATABASE_URL and the server.');
  }
}

async function* checkClock(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const check = 'clock';
  try {
    const time = await ports.probe.serverTime(subject.liveUrl);
    if (time === null) {
      yield warn(check, 'the vendor sent no Date header', 'Check by hand that this machine’s clock is right.');
      return;
    }
    const skewMs = Math.abs(time.ours - time.theirs);
    const detail = `${(skewMs / 1000).toFixed(1)} s from the vendor’s`;
    const remedy = 'Set this machine’s clock, for example with NTP.';
    if (skewMs > subject.clockWindowSeconds * 1000) yield fail(check, `${detail}: callbacks would be rejected`, remedy);
    else if (skewMs > SKEW_WARN_MS) yield warn(check, detail, remedy);
    else yield ok(check, detail);
  } catch (error) {
    yield failure(check, error, `Let this machine reach ${subject.liveUrl}: name resolution, firewall, proxy.`);
  }
}

async function* checkBuckets(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const used = new Map(
    subject.desired.flatMap(({ configs }) =>
      configs.map(({ bucket, endpoint }) => [`${bucket} at ${endpoint}`, { bucket, endpoint }] as const),
    ),
  );
  for (const [name, { bucket, endpoint }] of used) {
    const checks = [
      {
        check: `bucket ${name}: list`,
        right: 'oss:ListObjects',
        without: null,
        run: (b: ReturnType<Buckets['open']>) => b.listPage({ prefix: '', maxKeys: 1 }),
      },
      {
        check: `bucket ${name}: head`,
        right: 'oss:GetObject',
        without: 'the listing alone decides, and pages show no pictures',
        run: (b: ReturnType<Buckets['open']>) => b.head('snapaudit-doctor-probe'),
      },
      {
        check: `bucket ${name}: lifecycle`,
        right: 'oss:GetBucketLifecycle',
        without: 'the cause of a picture that is gone stays undetermined',
        run: (b: ReturnType<Buckets['open']>) => b.lifecycleRules(),
      },
    ];
    for (const { check, right, without, run } of checks) {
      const remedy = `Check bucket and endpoint in the settings, and grant ${right} to the credentials.`;
      try {
        await run(ports.buckets.open(bucket, endpoint));
        yield ok(check, 'allowed');
      } catch (error) {
        const failed = failure(check, error, remedy);
        yield without === null
          ? failed
          : warn(check, `${failed.detail.replace(/\.$/, '')}; without it ${without}`, remedy);
      }
    }
  }
}

async function* checkKey(subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const check = 'callback key';
  if (subject.key !== null) yield ok(check, 'set');
  else {
    const remedy = 'Set SNAPAUDIT_CALLBACK_KEY (16 to 32 letters and digits) and run apply.';
    yield warn(check, 'not set: anybody can send callbacks, and they stay unconfirmed claims', remedy);
  }
}

/** The vendor does not say whether a port belongs to the host that it signs; both are taken, and this is the one that it uses. */
async function* checkSignedHost(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const check = 'signed host';
  if (ports.signedHost === null || subject.publicUrl === null) return;
  // A database that is not ready has a line of its own.
  const form = await ports.signedHost().catch(() => null);
  if (form === null) return;
  const { host } = signedHostsOf(subject.publicUrl).find((each) => each.form === form)!;
  yield ok(check, `the vendor signs ${host} (${form === 'host' ? 'without' : 'with'} the port)`);
}

/** A signed callback of our own through the public URL: proves DNS, TLS, proxy, and the host name in the signature. */
async function* checkCanary(ports: DoctorPorts, subject: DoctorSubject): AsyncGenerator<DoctorLine> {
  const check = 'loop-back canary';
  if (subject.publicUrl === null) return;
  const url = `${subject.publicUrl}${SNAPSHOT_CALLBACK_PATH}`;
  const { key } = subject;
  const id = randomUUID();
  const timestamp = Math.floor(ports.clock.now() / 1000);
  const host = signedHostsOf(url)[0]!.host;
  const headers = {
    'content-type': 'application/json',
    ...(key && {
      'ali-live-timestamp': String(timestamp),
      'ali-live-signature': signCallback(host, timestamp, key.reveal()),
    }),
  };
  try {
    const { status, text } = await ports.probe.post(url, headers, JSON.stringify({ snapauditCanary: id }));
    if (status === 200 && canaryIn(text) === id) {
      yield ok(check, `came back through ${subject.publicUrl}`);
    } else if (status === 401) {
      const remedy =
        'Give the running service the same SNAPAUDIT_PUBLIC_URL and SNAPAUDIT_CALLBACK_KEY as this command.';
      yield fail(check, 'the service did not accept the signature', remedy);
    } else if (status >= 300 && status < 400) {
      const remedy = 'Set SNAPAUDIT_PUBLIC_URL to where the redirect leads: the vendor does not follow it.';
      yield fail(check, `the public URL redirects (HTTP ${status})`, remedy);
    } else {
      const remedy = 'Something else than Snapaudit answers there: check SNAPAUDIT_PUBLIC_URL and the proxy.';
      yield fail(check, `HTTP ${status} without the canary`, remedy);
    }
  } catch (error) {
    const remedy = 'Start the service (snapaudit serve), then check DNS, TLS certificate, proxy and firewall.';
    yield failure(check, error, remedy);
  }
}

/** A server that gives back whatever it is sent says `snapauditCanary`, as we did; only ours says `canary`. */
function canaryIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { canary?: unknown } | null)?.canary;
  } catch {
    return null;
  }
}

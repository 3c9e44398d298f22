import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reportDatabase } from '../../src/adapters/postgres/database-report.ts';
import { lastSignedHost } from '../../src/adapters/postgres/last-signed-host.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { SecretText } from '../../src/core/secret-text.ts';
import { CouldNotLookError, type HttpProbe } from '../../src/ports.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import type { DoctorLine } from '../../src/usecases/doctor-line.ts';
import { type DoctorPorts, type DoctorSubject, runDoctor } from '../../src/usecases/run-doctor.ts';
import {
  type ConfigWorld,
  createConfigWorld,
  OUR_KEY,
  PLAY,
  settingsFor,
  standing,
  theirConfig,
} from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { FakeBuckets } from '../support/fake-buckets.ts';
import { addCaptures, addPartitions, addShape, addStream } from '../support/history.ts';

let database: TestDatabase;
let world: ConfigWorld;
let buckets: FakeBuckets;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  world = await createConfigWorld(database);
  buckets = new FakeBuckets();
  buckets.bucket('my-bucket');
});

const DESIRED = settingsFor([{ app: 'live' }]);
const goodProbe: HttpProbe = {
  serverTime: async () => ({ theirs: 1_000_000, ours: 1_000_500 }),
  post: async (_url, _headers, body) => ({
    status: 200,
    text: JSON.stringify({ canary: JSON.parse(body).snapauditCanary }),
  }),
};

async function examine(changes: { ports?: Partial<DoctorPorts>; subject?: Partial<DoctorSubject> } = {}) {
  const ports = {
    ...world.ports,
    buckets,
    probe: goodProbe,
    database: () => reportDatabase(database),
    signedHost: () => lastSignedHost(database),
    ...changes.ports,
  };
  const lines: DoctorLine[] = [];
  const subject = {
    desired: DESIRED,
    publicUrl: 'https://audit.example.com',
    key: new SecretText(OUR_KEY),
    clockWindowSeconds: 300,
    liveUrl: 'https://live.aliyuncs.com',
    tryWrites: false,
    ...changes.subject,
  };
  for await (const line of runDoctor(ports, subject)) lines.push(line);
  return lines;
}
/** No key stood before: restore would have to take ours away. */
const NOT_TRIED_YET = 'warn live:DeleteSnapshotCallbackAuth';
const troubles = (lines: DoctorLine[]) =>
  lines.filter(({ status }) => status !== 'ok').map(({ status, check }) => `${status} ${check}`);
const line = (lines: DoctorLine[], check: string) => lines.find((each) => each.check === check);
const failing = (reason: string, wanted: string) => ({
  before: (action: string) => {
    if (action === wanted) throw new CouldNotLookError(`no: ${reason}`, { reason, transient: false });
  },
});

describe('doctor', () => {
  it('is content where all is well after an apply', async () => {
    world.state.setCallbackAuth(PLAY, { enabled: true, key: 'theirkeytheirkey0001' });
    await applyPlan(world.ports, DESIRED, { shown: null });
    expect(troubles(await examine())).toEqual([]);
  });

  it('changes nothing at the vendor, also when it tries to write', async () => {
    await applyPlan(world.ports, DESIRED, { shown: null });
    const before = standing(world.state);
    expect(troubles(await examine({ subject: { tryWrites: true } }))).toEqual([NOT_TRIED_YET]);
    expect(standing(world.state)).toEqual(before);
  });

  it('does not say that apply has used what no domain needs', async () => {
    const desired = settingsFor([{ app: 'live' }], { pushDomain: null }).map((domain) => ({ ...domain, key: null }));
    const lines = await examine({ subject: { desired, key: null } });
    for (const action of ['SetSnapshotCallbackAuth', 'SetLiveStreamsNotifyUrlConfig']) {
      expect(line(lines, `live:${action}`)?.detail).toMatch(/^not needed/);
    }
  });

  it('says which writes it did not try before a first apply', async () => {
    expect(troubles(await examine())).toEqual([
      'warn live:AddLiveAppSnapshotConfig',
      'warn live:SetSnapshotCallbackAuth',
      'warn live:SetLiveStreamsNotifyUrlConfig',
      NOT_TRIED_YET,
    ]);
  });

  it('does not take for allowed what apply was refused', async () => {
    const denied = world.replica({
      before: (action) => {
        if (/^(Set|Add)/.test(action)) throw new CouldNotLookError('no', { reason: 'access-denied', transient: false });
      },
    });
    world.state.putConfig(theirConfig('live'));
    world.state.setCallbackAuth(PLAY, { enabled: true, key: 'theirkeytheirkey0001' });
    await applyPlan(denied, DESIRED, { shown: null });
    expect(troubles(await examine({ ports: { live: denied.live } }))).toEqual([
      'warn live:AddLiveAppSnapshotConfig',
      'warn live:SetSnapshotCallbackAuth',
      'warn live:SetLiveStreamsNotifyUrlConfig',
    ]);
    expect(line(await examine({ ports: { live: denied.live } }), 'live:AddLiveAppSnapshotConfig')?.remedy).toContain(
      'Grant the RAM action',
    );
  });

  it.each([
    ['observe', 'warn'],
    ['enforce', 'fail'],
  ] as const)('takes a right to write that is missing where all is to be %s for a %s', async (mode, status) => {
    const { live } = world.replica(failing('access-denied', 'UpdateLiveAppSnapshotConfig'));
    const desired = settingsFor([{ app: 'live' }], { mode });
    const lines = await examine({ ports: { live }, subject: { desired } });
    expect(line(lines, 'live:UpdateLiveAppSnapshotConfig')?.status).toBe(status);
  });

  it('only warns of rights at the bucket that an audit can do without', async () => {
    const bucket = buckets.open('my-bucket', 'oss-cn-shanghai.aliyuncs.com');
    const denied = () => Promise.reject(new CouldNotLookError('no', { reason: 'access-denied', transient: false }));
    const open = () => ({ ...bucket, listPage: bucket.listPage.bind(bucket), head: denied, lifecycleRules: denied });
    const lines = await examine({
      ports: { buckets: { open, calls: () => ({ list: 0, head: 0, keys: 0 }), close: async () => {} } },
    });
    const name = 'bucket my-bucket at oss-cn-shanghai.aliyuncs.com';
    expect(['list', 'head', 'lifecycle'].map((what) => line(lines, `${name}: ${what}`)?.status)).toEqual([
      'ok',
      'warn',
      'warn',
    ]);
  });

  it('goes on without settings, public URL and database', async () => {
    const lines = await examine({
      ports: { store: null, database: null },
      subject: { desired: [], publicUrl: null },
    });
    expect(lines.map(({ check }) => check)).toEqual(['clock', 'credentials', 'callback key']);
    const halfReady = await examine({ ports: { store: null, database: null } });
    expect(line(halfReady, 'live:DescribeLiveSnapshotConfig')?.status).toBe('ok');
    expect(line(halfReady, 'loop-back canary')?.status).toBe('ok');
  });

  it('names the one RAM action that is not granted', async () => {
    await applyPlan(world.ports, DESIRED, { shown: null });
    const { live } = world.replica(failing('access-denied', 'DescribeLiveStreamState'));
    const lines = await examine({ ports: { live } });
    expect(troubles(lines)).toEqual(['fail live:DescribeLiveStreamState', NOT_TRIED_YET]);
    expect(line(lines, 'live:DescribeLiveStreamState')?.remedy).toContain(
      'Grant the RAM action live:DescribeLiveStreamState',
    );
  });

  it('asks nothing more of the vendor once the credentials are refused', async () => {
    const { live } = world.replica(failing('bad-signature', 'QuerySnapshotCallbackAuth'));
    const lines = await examine({ ports: { live } });
    expect(troubles(lines)).toEqual(['fail credentials']);
    expect(live.calls()).toEqual({ QuerySnapshotCallbackAuth: 1 });
  });

  it('tells a bucket that is missing, and one in another region', async () => {
    buckets.remove('my-bucket');
    world.state.addDomain({ domain: PLAY, pushDomains: ['push.example.com'], region: 'ap-southeast-1' });
    const lines = await examine();
    expect(line(lines, `region of ${PLAY}`)).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('ap-southeast-1'),
    });
    expect(line(lines, 'bucket my-bucket at oss-cn-shanghai.aliyuncs.com: list')).toMatchObject({ status: 'fail' });
  });

  it('tells an ingest domain that is not the domain’s, and a second callback URL', async () => {
    const auth = { enabled: false, key: null };
    world.state.addDomain({ domain: PLAY, pushDomains: ['other-push.example.com', 'push.example.org'] });
    world.state.setSnapshotNotify(PLAY, { url: 'https://third.example.com/', auth, exceptionUrl: null });
    const lines = await examine({ subject: { desired: settingsFor([{ app: 'live' }], { pushDomain: null }) } });
    expect(line(lines, `ingest domain of ${PLAY}`)?.remedy).toContain('Set pushDomain to other-push.example.com');
    expect(line(lines, `callbacks of ${PLAY}`)).toMatchObject({ status: 'warn' });
    expect(line(await examine(), `ingest domain of ${PLAY}`)).toMatchObject({ status: 'fail' });
  });

  it.each([
    [5_000, 'ok'],
    [5_001, 'warn'],
    [300_000, 'warn'],
    [300_001, 'fail'],
  ])('judges a clock that is %i ms off', async (skew, status) => {
    const probe = { ...goodProbe, serverTime: async () => ({ theirs: 1_000_000, ours: 1_000_000 - skew }) };
    expect(line(await examine({ ports: { probe } }), 'clock')?.status).toBe(status);
  });

  it('sends a canary that is signed as the vendor would, to the public URL', async () => {
    const sent: unknown[] = [];
    const probe: HttpProbe = {
      ...goodProbe,
      post: async (...given) => {
        sent.push(given);
        return goodProbe.post(...given);
      },
    };
    await examine({ ports: { probe }, subject: { publicUrl: 'https://audit.example.com:8443' } });
    expect(sent).toEqual([
      [
        'https://audit.example.com:8443/callbacks/snapshot',
        {
          'content-type': 'application/json',
          'ali-live-timestamp': String(Math.floor(world.now() / 1000)),
          'ali-live-signature': expect.stringMatching(/^[0-9a-f]{32}$/),
        },
        expect.stringMatching(/^\{"snapauditCanary":"[0-9a-f-]{36}"\}$/),
      ],
    ]);
    expect(JSON.stringify(sent)).not.toContain(OUR_KEY);
  });

  it.each<[HttpProbe['post'], string]>([
    [async () => ({ status: 401, text: '' }), 'same SNAPAUDIT_PUBLIC_URL'],
    [async () => ({ status: 302, text: '' }), 'does not follow'],
    [async () => ({ status: 200, text: 'Welcome to nginx' }), 'Something else than Snapaudit'],
    [async (_url, _headers, body) => ({ status: 200, text: body }), 'Something else than Snapaudit'],
    [() => Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: { code: 'ENOTFOUND' } })), 'check DNS'],
  ])('says what to do about a canary that did not come back', async (post, remedy) => {
    const lines = await examine({ ports: { probe: { ...goodProbe, post } } });
    const canary = line(lines, 'loop-back canary');
    expect(canary?.status).toBe('fail');
    expect(canary?.remedy).toContain(remedy);
  });

  it('says which form of our host the vendor signs', async () => {
    const subject = { publicUrl: 'https://audit.example.com:8443' };
    expect(line(await examine({ subject }), 'signed host')).toBeUndefined();
    const capturedAt = Date.now() - 60_000;
    await addPartitions(database, capturedAt, Date.now());
    const shapeId = await addShape(database);
    const streamId = await addStream(database, PLAY, 'live', 'cam01');
    await addCaptures(database, [{ streamId, shapeId, at: capturedAt }]);
    const flagged = async (flags: number) => {
      await database.pool.query('update captures set flags = $1', [flags]);
      return line(await examine({ subject }), 'signed host')?.detail;
    };
    const { verified, hostPort, fromCallback } = CAPTURE_FLAGS;
    expect(await flagged(fromCallback)).toBeUndefined();
    expect(await flagged(fromCallback | verified)).toBe('the vendor signs audit.example.com (without the port)');
    expect(await flagged(fromCallback | verified | hostPort)).toBe(
      'the vendor signs audit.example.com:8443 (with the port)',
    );
  });

  it('tells an old or unready database', async () => {
    const report = (changes: object) => async () => ({
      majorVersion: 18,
      canCreate: true,
      pendingMigrations: [],
      ...changes,
    });
    const status = async (changes: object) =>
      line(await examine({ ports: { database: report(changes) } }), 'database')?.status;
    expect(await status({})).toBe('ok');
    expect(await status({ majorVersion: 14 })).toBe('fail');
    expect(await status({ majorVersion: 15 })).toBe('ok');
    expect(await status({ canCreate: false })).toBe('fail');
    expect(await status({ pendingMigrations: ['0099_x'] })).toBe('warn');
  });
});

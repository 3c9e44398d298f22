import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LiveApi, LiveApiError } from '../../../src/ports.ts';
import { VendorState } from '../../../src/sandbox/live/vendor-state.ts';

export const DOMAIN = 'play.example.com';
export const PUSH = 'push.example.com';
const KEY = { domain: DOMAIN, app: 'live', stream: 'cam01' };
const SECOND = 1000;
const DAY = 86_400_000;

export const CONFIG = {
  domain: DOMAIN,
  app: 'live',
  intervalSeconds: 10,
  bucket: 'my-bucket',
  endpoint: 'oss-cn-shanghai.aliyuncs.com',
  sequenceObject: "snapshot (1)/it's/{AppName}/{StreamName}/{UnixTimestamp}.jpg",
  overwriteObject: null,
  callback: 'https://audit.example.com/callbacks/snapshot?a=1&b=%20',
};

export interface Subject {
  api: LiveApi;
  close(): Promise<void>;
}

async function refusal(promise: Promise<unknown>): Promise<LiveApiError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LiveApiError);
  return error as LiveApiError;
}

/** What every LiveApi must do; runs over the real adapter (against the stand-in) and over the fake. */
export function liveApiContract(
  name: string,
  start: (state: VendorState, bucketExists: (b: string) => boolean) => Promise<Subject>,
) {
  describe(`${name} as a LiveApi`, () => {
    let state: VendorState;
    let subject: Subject;
    let api: LiveApi;

    beforeEach(async () => {
      state = new VendorState();
      state.addDomain({ domain: DOMAIN, pushDomains: [PUSH] });
      subject = await start(state, (bucket) => bucket !== 'no-such-bucket');
      api = subject.api;
    });
    afterEach(() => subject.close());

    const rowsOf = async (from: number, to: number, key = KEY) => {
      const rows = [];
      for await (const page of api.snapshotRecords(key, from, to)) rows.push(...page);
      return rows;
    };
    const addRow = (createdAtMs: number, object = `${createdAtMs}.jpg`) =>
      state.addIndexRow({ ...KEY, bucket: 'b', endpoint: 'e', object, createdAtMs, overlay: false });

    it('gives back the config that was added, field by field', async () => {
      await api.addSnapshotConfig(CONFIG);
      const [config, ...others] = await api.snapshotConfigs(DOMAIN);
      expect(others).toEqual([]);
      expect(config).toEqual({ ...CONFIG, createdAt: expect.any(Number) });
    });

    it('has no configs where there are none', async () => {
      expect(await api.snapshotConfigs(DOMAIN)).toEqual([]);
    });

    it('reads every page of configs', async () => {
      for (let i = 0; i < 65; i += 1) state.putConfig({ ...CONFIG, app: `app${i}` });
      const apps = (await api.snapshotConfigs(DOMAIN)).map(({ app }) => app);
      expect(new Set(apps).size).toBe(65);
    });

    it('changes only the named fields, and removes a template and the callback', async () => {
      await api.addSnapshotConfig({ ...CONFIG, overwriteObject: '{StreamName}.jpg' });
      await api.updateSnapshotConfig(DOMAIN, 'live', { intervalSeconds: 30, overwriteObject: null });
      expect(await api.snapshotConfigs(DOMAIN)).toMatchObject([{ ...CONFIG, intervalSeconds: 30 }]);
      await api.updateSnapshotConfig(DOMAIN, 'live', { callback: null });
      expect(await api.snapshotConfigs(DOMAIN)).toMatchObject([{ callback: null, intervalSeconds: 30 }]);
    });

    it('deletes a config', async () => {
      await api.addSnapshotConfig(CONFIG);
      await api.deleteSnapshotConfig(DOMAIN, 'live');
      expect(await api.snapshotConfigs(DOMAIN)).toEqual([]);
    });

    it.each([
      [
        'InvalidOverwriteOssObjectOrSequenceOssObject.Malformed',
        { sequenceObject: null },
        'sequenceObject or overwriteObject',
      ],
      ['InvalidOssEndpoint.Malformed', { endpoint: 'https://oss' }, 'without a scheme'],
      ['InvalidOssBucket.Malformed', { bucket: 'A' }, '3 to 63'],
      ['InvalidOssBucket.NotFound', { bucket: 'no-such-bucket' }, 'Create the bucket'],
      ['InvalidOverwriteOssObject.Malformed', { overwriteObject: '{Sequence}.jpg' }, '{AppName} and {StreamName} only'],
      ['InvalidSequenceOssObject.Malformed', { sequenceObject: '{StreamName}.jpg' }, '{UnixTimestamp}'],
    ])('explains %s on Add and on Update', async (code, change, remedy) => {
      const onAdd = await refusal(api.addSnapshotConfig({ ...CONFIG, ...change }));
      expect(onAdd).toMatchObject({ code, status: 400, requestId: expect.any(String) });
      expect(onAdd.message).toContain(remedy);
      expect(onAdd.message).toContain(`Request id: ${onAdd.requestId}`);
      await api.addSnapshotConfig(CONFIG);
      const onUpdate = await refusal(api.updateSnapshotConfig(DOMAIN, 'live', change));
      expect(onUpdate).toMatchObject({ code, action: 'UpdateLiveAppSnapshotConfig' });
    });

    it('explains ConfigAlreadyExists and InvalidConfig.NotFound', async () => {
      const missing = await refusal(api.updateSnapshotConfig(DOMAIN, 'live', { intervalSeconds: 5 }));
      await api.addSnapshotConfig(CONFIG);
      const standing = await refusal(api.addSnapshotConfig(CONFIG));
      expect([missing.code, standing.code]).toEqual(['InvalidConfig.NotFound', 'ConfigAlreadyExists']);
      expect(missing.message).toContain('there is no such config');
      expect(standing.message).toContain('a config stands there already');
      for (const error of [missing, standing]) {
        expect(error.message).toContain('Run plan again');
        expect(error.requestId).toEqual(expect.any(String));
        expect(error.message).toContain(`Request id: ${error.requestId}`);
      }
    });

    it('refuses a domain that is not ours with a sentence', async () => {
      const error = await refusal(api.snapshotConfigs('other.example.com'));
      expect(error.message).toContain('does not belong to this account');
    });

    it('lists the rows of [from, to) oldest first: the start is in, the end is out', async () => {
      const from = Date.UTC(2026, 9, 1, 12, 0, 0, 250);
      const to = from + 60 * SECOND;
      for (const at of [from - 1, from, from + 5 * SECOND, to - 1, to]) addRow(at);
      expect((await rowsOf(from, to)).map((row) => row.createdAt)).toEqual([from, from + 5 * SECOND, to - 1]);
    });

    it('lists each row once over many pages and days, though pages overlap within a second', async () => {
      const from = Date.UTC(2026, 9, 1);
      const expected: string[] = [];
      for (let i = 0; i < 700; i += 1) {
        // Three images a second at the page seams, and a hole of two days in the middle.
        const at = from + Math.floor(i / 3) * SECOND + (i % 3) * 300 + (i >= 350 ? 2 * DAY : 0);
        addRow(at, `${i}.jpg`);
        expected.push(`${i}.jpg`);
      }
      const rows = await rowsOf(from, from + 4 * DAY);
      expect(rows.map(({ object }) => object)).toEqual(expected);
    });

    it('moves on when one second holds more rows than a page', async () => {
      const from = Date.UTC(2026, 9, 1);
      for (let i = 0; i < 150; i += 1) addRow(from, `${i}.jpg`);
      addRow(from + 2 * SECOND, 'later.jpg');
      const rows = await rowsOf(from, from + DAY);
      expect(rows.at(-1)?.object).toBe('later.jpg');
      expect(new Set(rows.map(({ object }) => object)).size).toBe(rows.length);
    });

    it('has no rows for a stream that the vendor does not know', async () => {
      expect(await rowsOf(Date.now() - DAY, Date.now(), { ...KEY, stream: 'nobody' })).toEqual([]);
    });

    it('lists who is on air, and where they publish', async () => {
      const now = Date.now();
      state.startSession(KEY, now - 10 * SECOND);
      state.endSession(state.startSession({ ...KEY, stream: 'gone' }, now - 10 * SECOND), now - SECOND);
      expect(await api.onlineStreams(DOMAIN)).toEqual([
        { ...KEY, publishedAt: Math.floor((now - 10 * SECOND) / 1000) * 1000, publishDomain: PUSH },
      ]);
      expect(await api.streamState(KEY)).toBe('online');
      expect(await api.streamState({ ...KEY, stream: 'gone' })).toBe('offline');
    });

    it('lists publishes with their stop, which a running one has not', async () => {
      const now = Math.floor(Date.now() / 1000) * 1000;
      state.endSession(state.startSession(KEY, now - 60 * SECOND), now - 30 * SECOND);
      state.startSession(KEY, now - 20 * SECOND);
      const records = await api.publishRecords(DOMAIN, now - 3600 * SECOND, now);
      expect(records.map(({ publishedAt, stoppedAt }) => [publishedAt, stoppedAt])).toEqual([
        [now - 60 * SECOND, now - 30 * SECOND],
        [now - 20 * SECOND, null],
      ]);
    });

    it('sets, reads and removes the callback key', async () => {
      expect(await api.callbackAuth(DOMAIN)).toEqual({ enabled: false, key: null });
      await api.setCallbackAuth(DOMAIN, 'abcdefghijklmnop1234');
      expect(await api.callbackAuth(DOMAIN)).toEqual({ enabled: true, key: 'abcdefghijklmnop1234' });
      await api.setCallbackAuth(DOMAIN, 'abcdefghijklmnop1234', false);
      expect(await api.callbackAuth(DOMAIN)).toEqual({ enabled: false, key: 'abcdefghijklmnop1234' });
      await api.deleteCallbackAuth(DOMAIN);
      expect(await api.callbackAuth(DOMAIN)).toEqual({ enabled: false, key: null });
    });

    it('sets and removes the push notify URL, and leaves the exception URL alone', async () => {
      const exceptionUrl = 'https://ops.example.com/exceptions';
      state.setPushNotify(PUSH, { url: null, auth: { enabled: false, key: null }, exceptionUrl });
      expect(await api.notifyUrl(PUSH)).toEqual({ url: null, auth: { enabled: false, key: null } });
      await api.setNotifyUrl(PUSH, 'https://audit.example.com/callbacks/stream', 'abcdefghijklmnop1234');
      expect(await api.notifyUrl(PUSH)).toEqual({
        url: 'https://audit.example.com/callbacks/stream',
        auth: { enabled: true, key: 'abcdefghijklmnop1234' },
      });
      await api.setNotifyUrl(PUSH, null, null);
      expect(await api.notifyUrl(PUSH)).toEqual({ url: null, auth: { enabled: false, key: null } });
      expect(state.pushNotify(PUSH).exceptionUrl).toBe(exceptionUrl);
    });

    it('reads the domain-level snapshot notify URL, null where none is set', async () => {
      expect(await api.snapshotNotifyUrl(DOMAIN)).toBeNull();
      const auth = { enabled: false, key: null };
      state.setSnapshotNotify(DOMAIN, { url: 'https://old.example.com/', auth, exceptionUrl: null });
      expect(await api.snapshotNotifyUrl(DOMAIN)).toEqual({ url: 'https://old.example.com/', auth });
    });

    it('maps an ingest domain to its streaming domain', async () => {
      expect(await api.domainMapping(PUSH)).toEqual({ streamingDomain: DOMAIN, pushDomains: [PUSH] });
    });

    it('tells the region of a domain, and null of one that it does not list', async () => {
      expect(await api.domainRegion(DOMAIN)).toBe('cn-shanghai');
      expect(await api.domainRegion('other.example.com')).toBeNull();
    });

    it('lists the streaming domains of the account, every page, and no ingest domain', async () => {
      for (let i = 10; i < 70; i += 1)
        state.addDomain({ domain: `d${i}.example.com`, pushDomains: [`p${i}.example.com`] });
      const domains = await api.streamingDomains();
      expect(domains).toHaveLength(61);
      expect(domains.slice(0, 2)).toEqual(['d10.example.com', 'd11.example.com']);
      expect(domains).toContain(DOMAIN);
    });

    it('counts its calls by action', async () => {
      await api.callbackAuth(DOMAIN);
      await api.callbackAuth(DOMAIN);
      expect(api.calls()).toEqual({ QuerySnapshotCallbackAuth: 2 });
    });
  });
}

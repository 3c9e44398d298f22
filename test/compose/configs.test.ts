import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openConfigControl, openDoctor } from '../../src/compose/configs.ts';
import { readEnvironment } from '../../src/config/env.ts';
import { type LiveServer, startLiveServer } from '../../src/sandbox/live/live-server.ts';
import { VendorState } from '../../src/sandbox/live/vendor-state.ts';
import { type OssServer, startOssServer } from '../../src/sandbox/oss/oss-server.ts';
import { runDoctor } from '../../src/usecases/run-doctor.ts';
import { OUR_CALLBACK, PLAY } from '../support/config-world.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';

const KEYS = { accessKeyId: 'LTAItest', accessKeySecret: 'the-secret-of-the-test' };
const APP = `      - { app: live, interval: 10s, bucket: my-bucket, endpoint: oss-cn-shanghai.aliyuncs.com, sequenceObject: "{Sequence}.jpg"`;

let directory: string;
let database: TestDatabase;
let server: LiveServer;
let oss: OssServer;
beforeAll(async () => {
  vi.stubEnv('ALIBABA_CLOUD_ACCESS_KEY_ID', KEYS.accessKeyId);
  vi.stubEnv('ALIBABA_CLOUD_ACCESS_KEY_SECRET', KEYS.accessKeySecret);
  directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-doctor-'));
  database = await createEmptyDatabase();
  const state = new VendorState();
  state.addDomain({ domain: PLAY });
  server = await startLiveServer({ state, credentials: [KEYS] });
  oss = await startOssServer({ credentials: [KEYS], buckets: ['my-bucket'] });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await oss.close();
  await database.drop();
  await rm(directory, { recursive: true });
});

async function environment(settings: string, variables: Record<string, string> = {}) {
  const file = path.join(directory, 'snapaudit.yaml');
  await writeFile(file, settings);
  return () =>
    readEnvironment({
      SNAPAUDIT_CONFIG: file,
      SNAPAUDIT_LIVE_ENDPOINT: server.url,
      SNAPAUDIT_OSS_ENDPOINT: oss.url,
      SNAPAUDIT_PUBLIC_URL: 'http://127.0.0.1:1',
      DATABASE_URL: database.url,
      ...variables,
    });
}
const GOOD = `domains:\n  - domain: ${PLAY}\n    apps:\n${APP} }\n`;

async function linesOf(open: Awaited<ReturnType<typeof environment>>): Promise<Map<string, string>> {
  const { lines, subject, close } = await openDoctor(open);
  const all = [...lines];
  if (subject) for await (const line of runDoctor(subject.ports, { ...subject, tryWrites: false })) all.push(line);
  await close();
  return new Map(all.map(({ check, status, detail }) => [check, `${status} ${detail}`]));
}

describe('doctor', () => {
  it('makes the other checks though settings, public URL and database are amiss', async () => {
    const lines = await linesOf(
      await environment('domains: []\n', { SNAPAUDIT_PUBLIC_URL: '', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' }),
    );
    expect(lines.get('environment')).toMatch(/^fail SNAPAUDIT_PUBLIC_URL/);
    expect(lines.get('settings')).toMatch(/^fail .*needs at least one domain/s);
    expect(lines.get('database')).toMatch(/^fail /);
    expect(lines.get('clock')).toMatch(/^ok /);
    expect(lines.get('credentials')).toMatch(/^ok /);
    expect(lines.get('callback key')).toMatch(/^warn /);
  });

  it('changes no schema: it says that migrations are not applied, and goes on', async () => {
    const lines = await linesOf(await environment(GOOD));
    expect(lines.get('database')).toMatch(/^warn \d+ migrations are not applied/);
    expect(lines.get('live:DescribeLiveSnapshotConfig')).toBe('ok allowed');
    expect(lines.get('loop-back canary')).toMatch(/^fail /);
    const { rows } = await database.pool.query("select from pg_tables where schemaname = 'public'");
    expect(rows).toEqual([]);
  });

  it('knows no more than the environment where that cannot be read', async () => {
    const lines = await linesOf(await environment(GOOD, { PORT: 'http' }));
    expect([...lines.keys()]).toEqual(['environment']);
    expect(lines.get('environment')).toMatch(/^fail /);
  });
});

it('configs are not planned while a forward leads to this service itself', async () => {
  const settings = `domains:\n  - domain: ${PLAY}\n    apps:\n${APP}, forward: "${OUR_CALLBACK}" }\n`;
  const open = await environment(settings, { SNAPAUDIT_PUBLIC_URL: 'https://audit.example.com' });
  await expect(openConfigControl(open())).rejects.toThrow('forward leads to this service itself');
  expect((await linesOf(open)).get('settings')).toMatch(/^fail .*leads to this service itself/);
});

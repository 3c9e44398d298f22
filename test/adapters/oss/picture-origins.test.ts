import express from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownPictureOrigins } from '../../../src/adapters/oss/picture-origins.ts';
import { createHistoryReads } from '../../../src/adapters/postgres/query-history.ts';
import { dashboardRouter } from '../../../src/dashboard/dashboard-router.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addConfig } from '../../support/history.ts';

const CONFIGURED = [{ bucket: 'ours', endpoint: 'oss-cn-beijing.aliyuncs.com' }];
const origin = (bucket: string, region = 'cn-shanghai') => `https://${bucket}.oss-${region}.aliyuncs.com`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

describe('where pictures may come from', () => {
  it('is every bucket that a config ever named, in the settings file or at the vendor', async () => {
    const reads = createHistoryReads(database);
    const known = knownPictureOrigins(CONFIGURED, () => reads.configVersions({}), null);
    const app = express().use(dashboardRouter({ pictureOrigins: known.origins }));
    const allowed = async () => {
      const { headers } = await request(app).get('/').expect(200);
      return /img-src ([^;]*)/
        .exec(headers['content-security-policy'] ?? '')?.[1]
        ?.split(' ')
        .slice(2);
    };
    expect(await allowed()).toEqual([origin('ours', 'cn-beijing')]);
    const version = { domain: 'gone.example.com', app: 'live', intervalSeconds: 10 };
    await addConfig(database, { ...version, validFrom: Date.UTC(2026, 1, 1), bucket: 'former' });
    await addConfig(database, { ...version, validFrom: Date.UTC(2026, 2, 1), bucket: 'drifted' });
    // Of a config that was deleted.
    await addConfig(database, { ...version, validFrom: Date.UTC(2026, 3, 1), bucket: '' });
    await known.refresh();
    expect(await allowed()).toEqual([origin('drifted'), origin('former'), origin('ours', 'cn-beijing')]);
  });

  it('stays as it was where the versions cannot be read', async () => {
    const known = knownPictureOrigins(CONFIGURED, () => Promise.reject(new Error('away')), null);
    await expect(known.refresh()).rejects.toThrow('away');
    expect(known.origins()).toEqual([origin('ours', 'cn-beijing')]);
  });
});

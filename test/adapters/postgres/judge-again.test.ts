import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuditStore } from '../../../src/adapters/postgres/audit-store.ts';
import { createConfigStore } from '../../../src/adapters/postgres/config-store.ts';
import { createExcusedStore } from '../../../src/adapters/postgres/excused-store.ts';
import { APP, createAuditWorld, DOMAIN, T0 } from '../../support/audit-world.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const HOUR = 3_600_000;
const STREAMS = 5_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  const world = await createAuditWorld(database);
  await world.sessions.ensureStreams(
    Array.from({ length: STREAMS }, (_, index) => ({ domain: DOMAIN, app: APP, stream: `cam${index}` })),
  );
  await database.pool.query(
    `insert into sessions (stream_id, started_at, ended_at, certainty, end_certain)
     select id, to_timestamp($1), null, 'announced', false from streams`,
    [T0 / 1_000],
  );
  // In no order, as audits leave them.
  await database.pool.query(
    `insert into watermarks (stream_id, audited_until, last_key, state, version)
     select id, to_timestamp($1), null, '{}', 1 from streams order by md5(id::text)`,
    [(T0 + HOUR) / 1_000],
  );
  await database.pool.query('analyze');
});
afterAll(() => database.drop());

const maintenance = { app: null, stream: null, from: T0, to: T0 + HOUR, reason: 'power', author: 'me' };

it('has thousands of streams judged again by changes that are made at once', async () => {
  const excused = createExcusedStore(database);
  const configs = createConfigStore(database, { sealingKeys: [] });
  const config = {
    ...{ domain: DOMAIN, app: APP, intervalSeconds: 10, bucket: 'snap', endpoint: 'oss-cn-shanghai.aliyuncs.com' },
    ...{ sequenceObject: '{StreamName}/{UnixTimestamp}.jpg', overwriteObject: null, callback: null },
  };
  for (let round = 0; round < 5; round++) {
    await Promise.all([
      excused.add({ ...maintenance, domain: DOMAIN }),
      configs.appendVersions([{ ...config, validFrom: T0 - HOUR + round, intervalSeconds: 10 + round }], 'observed'),
      createAuditStore(database).replaceJudgedBlindSpans(
        [],
        [
          { from: T0, to: T0 + HOUR / 2 },
          { from: T0 + HOUR / 2, to: T0 + HOUR },
        ],
      ),
      excused.add({ ...maintenance, domain: null }),
    ]);
  }
  const { rows } = await database.pool.query('select distinct version from watermarks');
  expect(rows).toEqual([{ version: 1 + 5 * 4 }]);
});

it('takes a moment for thousands of streams', async () => {
  const begun = performance.now();
  await createExcusedStore(database).add({ ...maintenance, domain: DOMAIN });
  // Several seconds, and more by the square, where it compares every stream with every other.
  expect(performance.now() - begun).toBeLessThan(1_000);
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuditStore } from '../../../src/adapters/postgres/audit-store.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addStream } from '../../support/history.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 24, 12);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('late evidence of a domain that left the settings goes once nobody has audited the domain for as long as states are kept', async () => {
  const store = createAuditStore(database);
  const ids = new Map<string, number>();
  for (const domain of ['kept', 'left', 'left-just-now', 'of-another-service']) {
    ids.set(domain, await addStream(database, domain, 'live', 'cam'));
  }
  const audited = async (domain: string, startedAt: number) => {
    const span = { from: startedAt - 1_000, to: startedAt, startedAt };
    await store.begin({ domain, app: null, kind: 'audit', ...span });
  };
  await audited('left', NOW - 9 * DAY);
  await audited('left-just-now', NOW - 7 * DAY);
  await audited('of-another-service', NOW);
  await store.markLate([...ids.values()], NOW - 20 * DAY, 'late-callback');
  await store.prune({ statesBefore: NOW - 8 * DAY, auditsBefore: NOW - 90 * DAY, domains: ['kept'] });
  const left = await store.lateEvidence([...ids.values()]);
  expect([...ids].filter(([, id]) => left.has(id)).map(([domain]) => domain)).toEqual([
    'kept',
    'left-just-now',
    'of-another-service',
  ]);
});

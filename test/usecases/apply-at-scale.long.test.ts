import { afterAll, beforeAll, expect, it } from 'vitest';
import { staticCredential } from '../../src/adapters/live/credential.ts';
import { createLiveApi } from '../../src/adapters/live/live-api.ts';
import { callSpacingMs } from '../../src/adapters/live/live-limits.ts';
import { localCallBudget } from '../../src/adapters/live/local-call-budget.ts';
import { createCallSlots } from '../../src/adapters/postgres/call-slots.ts';
import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import { type LiveServer, startLiveServer } from '../../src/sandbox/live/live-server.ts';
import { VendorState } from '../../src/sandbox/live/vendor-state.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { planConfigs } from '../../src/usecases/plan-configs.ts';
import { OUR_CALLBACK, OUR_KEY, settingsFor } from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const KEYS = { accessKeyId: 'LTAItest', accessKeySecret: 'the-secret-of-the-test' };
const DOMAINS = ['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com'];
const APPS = Array.from({ length: 75 }, (_, i) => ({ app: `app${i}` }));
const DESIRED = DOMAINS.flatMap((domain) => settingsFor(APPS, { domain, pushDomain: null }));

let database: TestDatabase;
let server: LiveServer;
const state = new VendorState();
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  for (const domain of DOMAINS) state.addDomain({ domain });
  server = await startLiveServer({ state, credentials: [KEYS] });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

/** When an Add was answered. */
const addedAt: number[] = [];

function openReplica() {
  return createLiveApi({
    onCall: ({ action }) => void (action === 'AddLiveAppSnapshotConfig' && addedAt.push(performance.now())),
    endpoint: server.url,
    credential: staticCredential(KEYS),
    budget: createCallSlots(database.db, localCallBudget()),
  });
}

it('adds 300 configs in four domains from two replicas at the limit’s own pace, and no call is refused', async () => {
  const store = createConfigStore(database, { sealingKeys: [OUR_KEY] });
  const replicas = [openReplica(), openReplica()].map((live) => ({ live, store, clock: { now: Date.now } }));
  const reports = await Promise.all(replicas.map((ports) => applyPlan(ports, DESIRED, { shown: null })));

  expect(reports.flatMap(({ failed, failures }) => [...failed, ...failures])).toEqual([]);
  expect(server.stats().refused).toEqual({});
  expect(server.stats().calls.AddLiveAppSnapshotConfig).toBe(300);
  for (const domain of DOMAINS) {
    expect(state.configs(domain)).toHaveLength(75);
    expect(state.configs(domain).every(({ callback }) => callback === OUR_CALLBACK)).toBe(true);
  }
  // The Adds keep the pace that we set ourselves, however long a busy machine takes for the looks before and after.
  const pace = (299 * callSpacingMs('AddLiveAppSnapshotConfig')) / 1000;
  const seconds = (addedAt.at(-1)! - addedAt[0]!) / 1000;
  expect(seconds).toBeGreaterThan(pace - 0.5);
  expect(seconds).toBeLessThan(pace + 1.5);
  const plan = await planConfigs(replicas[0]!, DESIRED);
  expect(plan.failures).toEqual([]);
  expect(plan.domains.flatMap(({ steps }) => steps)).toEqual([]);
  await Promise.all(replicas.map(({ live }) => live.close()));
}, 60_000);

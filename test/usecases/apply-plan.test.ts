import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DesiredDomain } from '../../src/core/config-plan.ts';
import type { ConfigStore } from '../../src/ports.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { planConfigs } from '../../src/usecases/plan-configs.ts';
import type { ConfigPorts } from '../../src/usecases/reconcile-configs.ts';
import { restoreConfigs } from '../../src/usecases/restore-configs.ts';
import {
  type ConfigWorld,
  createConfigWorld,
  OUR_CALLBACK,
  OUR_KEY,
  OUR_STREAM_CALLBACK,
  PLAY,
  PUSH,
  settingsFor,
  standing,
  THEIR_CALLBACK,
  theirConfig,
} from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createFakeLiveApi } from '../support/fake-live-api.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const applyAll = (ports: ConfigPorts, desired: DesiredDomain[]) => applyPlan(ports, desired, { shown: null });

/** A world whose vendor already holds configs of somebody else. */
async function worldOfOthers(options: Parameters<typeof createConfigWorld>[1] = {}): Promise<ConfigWorld> {
  const world = await createConfigWorld(database, options);
  world.state.putConfig(theirConfig('live', { intervalSeconds: 30 }));
  world.state.putConfig(theirConfig('shop', { callback: null, overwriteObject: '{StreamName}.jpg' }));
  world.state.putConfig(theirConfig('others'));
  world.state.setCallbackAuth(PLAY, { enabled: true, key: 'theirkeytheirkey0001' });
  world.state.setPushNotify(PUSH, {
    url: 'https://old.example.com/push',
    auth: { enabled: true, key: 'theirpushkeytheirpushkey' },
    exceptionUrl: 'https://old.example.com/exceptions',
  });
  world.advance(60_000);
  return world;
}

const DESIRED = settingsFor([{ app: 'live' }, { app: 'shop' }, { app: 'new' }, { app: '*', interval: '60s' }]);

function expectTakenOver(world: ConfigWorld) {
  const { configs, auth, push } = standing(world.state);
  expect(configs).toEqual([
    theirConfig('*', { callback: OUR_CALLBACK, intervalSeconds: 60 }),
    theirConfig('live', { callback: OUR_CALLBACK }),
    theirConfig('new', { callback: OUR_CALLBACK }),
    theirConfig('others'),
    theirConfig('shop', { callback: OUR_CALLBACK }),
  ]);
  expect(auth).toEqual({ enabled: true, key: OUR_KEY });
  expect(push).toEqual({
    url: OUR_STREAM_CALLBACK,
    auth: { enabled: true, key: OUR_KEY },
    exceptionUrl: 'https://old.example.com/exceptions',
  });
}

describe('plan', () => {
  it('shows each config as it stands to the settings, and changes nothing', async () => {
    const world = await worldOfOthers();
    const before = standing(world.state);
    const plan = await planConfigs(world.ports, DESIRED);
    const states = plan.domains[0]!.entries.map(({ kind, app, state }) => [kind, app, state]);
    expect(states).toEqual([
      ['config', 'live', 'drifted'],
      ['config', 'shop', 'drifted'],
      ['config', 'new', 'missing'],
      ['config', '*', 'missing'],
      ['config', 'others', 'unmanaged'],
      ['callback_auth', null, 'drifted'],
      ['push_notify', null, 'drifted'],
    ]);
    expect(plan.domains[0]!.entries[0]!.differences).toEqual([
      { field: 'intervalSeconds', desired: 10, actual: 30 },
      { field: 'callback', desired: OUR_CALLBACK, actual: THEIR_CALLBACK },
    ]);
    expect(standing(world.state)).toEqual(before);
  });

  it('shows no key, neither ours nor theirs', async () => {
    const world = await worldOfOthers();
    const text = JSON.stringify(await planConfigs(world.ports, DESIRED));
    expect(text).toContain('another key');
    expect(text).not.toContain(OUR_KEY);
    expect(text).not.toContain('theirkey');
    expect(text).not.toContain('theirpushkey');
  });

  it('says "unknown" of a domain that it could not look at, and plans the others', async () => {
    const world = await worldOfOthers();
    const desired = [...DESIRED, ...settingsFor([{ app: 'live' }], { domain: 'lost.example.com', pushDomain: null })];
    const plan = await planConfigs(world.ports, desired);
    expect(plan.domains.map(({ domain }) => domain)).toEqual([PLAY]);
    expect(plan.failures).toEqual([
      { domain: 'lost.example.com', message: expect.stringContaining('does not belong to this account') },
    ]);
  });

  it('lets fields differ that the settings say to ignore', async () => {
    const world = await worldOfOthers();
    const desired = settingsFor([{ app: 'live', extra: ['ignore: [interval, callback]'] }], { pushDomain: null });
    const [entry] = (await planConfigs(world.ports, desired)).domains[0]!.entries;
    expect(entry).toMatchObject({ app: 'live', state: 'in_sync', differences: [] });
  });

  it('flags a domain that also has a domain-level snapshot notify URL', async () => {
    const world = await worldOfOthers();
    const auth = { enabled: false, key: null };
    world.state.setSnapshotNotify(PLAY, { url: 'https://third.example.com/', auth, exceptionUrl: null });
    const { warnings } = (await planConfigs(world.ports, DESIRED)).domains[0]!;
    expect(warnings).toMatchObject([
      { kind: 'two_callbacks', detail: expect.stringContaining('https://third.example.com/') },
    ]);
  });
});

describe('apply', () => {
  it('makes the vendor what the settings say, leaves the rest alone, and leaves nothing to plan', async () => {
    const world = await worldOfOthers();
    const plan = await planConfigs(world.ports, DESIRED);
    const report = await applyPlan(world.ports, DESIRED, { shown: plan });
    expect(report).toMatchObject({ failed: [], failures: [] });
    expect(report.done).toHaveLength(6);
    expectTakenOver(world);
    const after = await planConfigs(world.ports, DESIRED);
    expect(after.domains[0]!.steps).toEqual([]);
    expect(await applyAll(world.ports, DESIRED)).toEqual({ done: [], failed: [], failures: [] });
  });

  it('sends only the fields that differ', async () => {
    const sent: Record<string, string>[] = [];
    const world = await worldOfOthers({
      before: (action, query) => void (action.startsWith('Update') && sent.push(query)),
    });
    await applyAll(world.ports, settingsFor([{ app: 'shop' }], { pushDomain: null }));
    expect(sent).toEqual([{ DomainName: PLAY, AppName: 'shop', OverwriteOssObject: '-', Callback: OUR_CALLBACK }]);
  });

  it('does nothing where the vendor has changed since the plan was shown', async () => {
    const world = await worldOfOthers();
    const plan = await planConfigs(world.ports, DESIRED);
    world.state.changeConfig(PLAY, 'live', { bucket: 'another-bucket' });
    const before = standing(world.state);
    const report = await applyPlan(world.ports, DESIRED, { shown: plan });
    expect(report.failures).toMatchObject([
      { message: expect.stringContaining('has changed since the plan was shown') },
    ]);
    expect(standing(world.state)).toEqual(before);
  });

  it('records each change as a version from the call on, after the version that it found', async () => {
    const world = await worldOfOthers();
    await applyAll(world.ports, settingsFor([{ app: 'live' }], { pushDomain: null }));
    const versions = (await world.store.versions(PLAY)).filter(({ app }) => app === 'live');
    expect(versions.map(({ validFrom, callback }) => [validFrom, callback])).toEqual([
      [world.now() - 60_000, THEIR_CALLBACK],
      [world.now(), OUR_CALLBACK],
    ]);
  });

  it('says which sessions still run on which older version', async () => {
    const world = await worldOfOthers();
    const startedAt = world.now() - 30_000;
    const { rows } = await database.pool.query(
      "insert into streams (domain, app, stream) values ($1, 'live', 'cam01') returning id",
      [PLAY],
    );
    await database.pool.query("insert into sessions (stream_id, started_at, certainty) values ($1, $2, 'listed')", [
      rows[0].id,
      new Date(startedAt),
    ]);
    const desired = settingsFor([{ app: 'live' }], { pushDomain: null });
    await applyAll(world.ports, desired);
    const plan = await planConfigs(world.ports, desired);
    expect(plan.domains[0]!.steps).toEqual([]);
    expect(plan.domains[0]!.entries[0]).toMatchObject({
      state: 'pending_reingest',
      pending: [{ app: 'live', stream: 'cam01', startedAt, versionFrom: world.now() - 60_000 }],
    });
  });

  it('finishes an Add whose answer was lost, and one that somebody else was faster with', async () => {
    let lost = 0;
    const world = await createConfigWorld(database, {
      before: (action) => {
        if (action !== 'AddLiveAppSnapshotConfig' || lost > 0) return;
        lost += 1;
        world.state.putConfig(theirConfig('live', { intervalSeconds: 20 }));
      },
    });
    const report = await applyAll(world.ports, settingsFor([{ app: 'live' }]));
    expect(report).toMatchObject({ failed: [], failures: [] });
    expect(world.state.config(PLAY, 'live')).toMatchObject({ callback: OUR_CALLBACK, intervalSeconds: 10 });
  });

  it('finishes an Update of a config that was deleted meanwhile', async () => {
    let lost = 0;
    const world = await createConfigWorld(database, {
      before: (action) => {
        if (action !== 'UpdateLiveAppSnapshotConfig' || lost > 0) return;
        lost += 1;
        world.state.deleteConfig(PLAY, 'live');
      },
    });
    world.state.putConfig(theirConfig('live'));
    const report = await applyAll(world.ports, settingsFor([{ app: 'live' }]));
    expect(report).toMatchObject({ failed: [], failures: [] });
    expect(world.state.config(PLAY, 'live')).toMatchObject({ callback: OUR_CALLBACK });
  });

  it('reports a refused step with the remedy and does the others', async () => {
    const world = await createConfigWorld(database, { bucketExists: () => false });
    world.state.putConfig(theirConfig('live'));
    const report = await applyAll(world.ports, settingsFor([{ app: 'live' }, { app: 'new' }]));
    expect(report.failed).toMatchObject([
      { step: { kind: 'add_config', app: 'new' }, message: expect.stringMatching(/Create the bucket.*Request id/) },
    ]);
    expect(world.state.config(PLAY, 'live')?.callback).toBe(OUR_CALLBACK);
  });

  it('gives the same end when two replicas apply at once, and adds nothing twice', async () => {
    const world = await worldOfOthers();
    const ports = [world.ports, world.replica()];
    const reports = await Promise.all(ports.map((own) => applyAll(own, DESIRED)));
    expect(reports.flatMap(({ failed, failures }) => [...failed, ...failures])).toEqual([]);
    expect(reports.map(({ done }) => done.length).sort()).toEqual([0, 6]);
    expectTakenOver(world);
    expect(world.state.configHistory(PLAY, 'new')).toHaveLength(1);
  });
});

describe('restore', () => {
  it.each(['removed', 'kept', 'literal'] as const)(
    'gives back the exact former state (a Callback set to "-" is %s)',
    async (callbackRemoval) => {
      const world = await worldOfOthers({ callbackRemoval });
      const before = standing(world.state);
      await applyAll(world.ports, DESIRED);
      const report = await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
      expect(report).toMatchObject({ failed: [], failures: [] });
      expect(standing(world.state)).toEqual(before);
      expect(await world.store.takenOver(PLAY)).toEqual([]);
    },
  );

  it('puts back the first former state, not that of a later apply', async () => {
    const world = await worldOfOthers();
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    world.state.changeConfig(PLAY, 'live', { callback: 'https://meddler.example.com/' });
    await applyAll(world.ports, DESIRED);
    await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
    expect(standing(world.state)).toEqual(before);
  });

  it('can put back callbacks alone, and then leaves interval and names as they are', async () => {
    const world = await worldOfOthers();
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    await restoreConfigs(world.ports, DESIRED, { scope: 'callbacks', shown: null });
    expect(world.state.config(PLAY, 'live')).toMatchObject({ callback: THEIR_CALLBACK, intervalSeconds: 10 });
    expect(world.state.config(PLAY, 'new')).toMatchObject({ callback: null });
    expect(standing(world.state)).toMatchObject({ auth: before.auth, push: before.push });
  });

  it('keeps the former keys sealed in the database', async () => {
    const world = await worldOfOthers();
    await applyAll(world.ports, DESIRED);
    const { rows } = await database.pool.query('select config_baselines::text as text from config_baselines');
    expect(rows.map(({ text }) => text).join()).not.toMatch(/theirkey|theirpushkey/);
  });
});

/** Throws at the n-th call of vendor or store, before or after it had its effect; as if the process had died there. */
class Crash extends Error {}
function crashing(
  world: ConfigWorld,
  crashAt: number,
  when: 'before' | 'after',
): { ports: ConfigPorts; calls: () => number } {
  let calls = 0;
  const count = (moment: 'before' | 'after') => {
    if (moment === 'before') calls += 1;
    if (calls > crashAt || (calls === crashAt && moment === when)) throw new Crash();
  };
  const live = createFakeLiveApi(world.state, { before: () => count('before'), after: () => count('after') });
  const store = new Proxy(world.store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>;
      if (name === 'withDomainLock') return method;
      return async (...given: unknown[]) => {
        count('before');
        const answer = await method.apply(target, given);
        count('after');
        return answer;
      };
    },
  }) as ConfigStore;
  return { ports: { ...world.ports, live, store }, calls: () => calls };
}

describe('a crash between any two calls', () => {
  let callsOfApply: number;
  let callsOfRestore: number;
  beforeEach(async () => {
    const world = await worldOfOthers();
    const applying = crashing(world, Number.POSITIVE_INFINITY, 'before');
    await applyAll(applying.ports, DESIRED);
    callsOfApply = applying.calls();
    const restoring = crashing(world, Number.POSITIVE_INFINITY, 'before');
    await restoreConfigs(restoring.ports, DESIRED, { scope: 'everything', shown: null });
    callsOfRestore = restoring.calls();
  });

  it('is made good by running apply again, nothing is applied twice in a harmful way, and restore still knows the former state', async () => {
    expect(callsOfApply).toBeGreaterThan(20);
    const point = fc.record({
      at: fc.integer({ min: 1, max: callsOfApply }),
      when: fc.constantFrom('before' as const, 'after' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(point, { minLength: 1, maxLength: 3 }), async (crashes) => {
        const world = await worldOfOthers();
        const before = standing(world.state);
        for (const { at, when } of crashes) {
          await applyAll(crashing(world, at, when).ports, DESIRED).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error;
          });
          world.advance(1000);
        }
        expect(await applyAll(world.ports, DESIRED)).toMatchObject({ failed: [], failures: [] });
        expectTakenOver(world);
        // Each config changed once, from what it was to what it shall be; those that are not ours never did.
        for (const app of ['live', 'shop']) expect(world.state.configHistory(PLAY, app)).toHaveLength(2);
        for (const app of ['new', '*', 'others']) expect(world.state.configHistory(PLAY, app)).toHaveLength(1);
        const callbacks = (await world.store.versions(PLAY)).filter(({ app }) => app === 'live').map((v) => v.callback);
        expect(callbacks).toEqual([THEIR_CALLBACK, OUR_CALLBACK]);
        await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
        expect(standing(world.state)).toEqual(before);
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it('is made good by running restore again', async () => {
    const point = fc.record({
      at: fc.integer({ min: 1, max: callsOfRestore }),
      when: fc.constantFrom('before' as const, 'after' as const),
    });
    await fc.assert(
      fc.asyncProperty(point, async ({ at, when }) => {
        const world = await worldOfOthers();
        const before = standing(world.state);
        await applyAll(world.ports, DESIRED);
        await restoreConfigs(crashing(world, at, when).ports, DESIRED, { scope: 'everything', shown: null }).catch(
          (error: unknown) => {
            if (!(error instanceof Crash)) throw error;
          },
        );
        await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
        expect(standing(world.state)).toEqual(before);
        expect(await world.store.takenOver(PLAY)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});

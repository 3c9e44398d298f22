import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DesiredDomain, subjectOf } from '../../src/core/config-plan.ts';
import { CouldNotLookError } from '../../src/ports.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { planConfigs } from '../../src/usecases/plan-configs.ts';
import type { ConfigPorts } from '../../src/usecases/reconcile-configs.ts';
import { planRestoreConfigs, restorableDomains, restoreConfigs } from '../../src/usecases/restore-configs.ts';
import { keyStandings } from '../../src/usecases/rotate-key.ts';
import {
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
import { DESIRED, expectTakenOver, worldOfOthers } from '../support/taken-over.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const applyAll = (ports: ConfigPorts, desired: DesiredDomain[]) => applyPlan(ports, desired, { shown: null });

describe('plan', () => {
  it('shows each config as it stands to the settings, and changes nothing', async () => {
    const world = await worldOfOthers(database);
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
    const world = await worldOfOthers(database);
    const text = JSON.stringify(await planConfigs(world.ports, DESIRED));
    expect(text).toContain('another key');
    expect(text).not.toContain(OUR_KEY);
    expect(text).not.toContain('theirkey');
    expect(text).not.toContain('theirpushkey');
  });

  it('says "unknown" of a domain that it could not look at, and plans the others', async () => {
    const world = await worldOfOthers(database);
    const desired = [...DESIRED, ...settingsFor([{ app: 'live' }], { domain: 'lost.example.com', pushDomain: null })];
    const plan = await planConfigs(world.ports, desired);
    expect(plan.domains.map(({ domain }) => domain)).toEqual([PLAY]);
    expect(plan.failures).toEqual([
      { domain: 'lost.example.com', message: expect.stringContaining('does not belong to this account') },
    ]);
  });

  it('lets fields differ that the settings say to ignore', async () => {
    const world = await worldOfOthers(database);
    const desired = settingsFor([{ app: 'live', extra: ['ignore: [interval, callback]'] }], { pushDomain: null });
    const [entry] = (await planConfigs(world.ports, desired)).domains[0]!.entries;
    expect(entry).toMatchObject({ app: 'live', state: 'in_sync', differences: [] });
  });

  it('flags a domain that also has a domain-level snapshot notify URL', async () => {
    const world = await worldOfOthers(database);
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
    const world = await worldOfOthers(database);
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
    const world = await worldOfOthers(database, {
      before: (action, query) => void (action.startsWith('Update') && sent.push(query)),
    });
    await applyAll(world.ports, settingsFor([{ app: 'shop' }], { pushDomain: null }));
    expect(sent).toEqual([{ DomainName: PLAY, AppName: 'shop', OverwriteOssObject: '-', Callback: OUR_CALLBACK }]);
  });

  it('does nothing where the vendor has changed since the plan was shown', async () => {
    const world = await worldOfOthers(database);
    const plan = await planConfigs(world.ports, DESIRED);
    world.state.changeConfig(PLAY, 'live', { bucket: 'another-bucket' });
    const before = standing(world.state);
    const report = await applyPlan(world.ports, DESIRED, { shown: plan });
    expect(report.failures).toMatchObject([
      { message: expect.stringContaining('has changed since the plan was shown') },
    ]);
    expect(standing(world.state)).toEqual(before);
  });

  it('makes no change in a later round that was not shown, and says so', async () => {
    let meddled = false;
    const world = await worldOfOthers(database, {
      after: (action) => {
        if (action !== 'UpdateLiveAppSnapshotConfig' || meddled) return;
        meddled = true;
        world.state.changeConfig(PLAY, 'shop', { bucket: 'another-bucket', callback: THEIR_CALLBACK });
      },
    });
    const desired = settingsFor([{ app: 'shop' }], { pushDomain: null });
    const plan = await planConfigs(world.ports, desired);
    const report = await applyPlan(world.ports, desired, { shown: plan });
    expect(report.failures).toMatchObject([{ message: expect.stringMatching(/shop.*not shown/) }]);
    expect(world.state.config(PLAY, 'shop')).toMatchObject({ bucket: 'another-bucket', callback: THEIR_CALLBACK });
  });

  it('records each change as a version from the call on, after the version that it found', async () => {
    const world = await worldOfOthers(database);
    await applyAll(world.ports, settingsFor([{ app: 'live' }], { pushDomain: null }));
    const versions = (await world.store.versions(PLAY)).filter(({ app }) => app === 'live');
    expect(versions.map(({ validFrom, callback }) => [validFrom, callback])).toEqual([
      [world.now() - 60_000, THEIR_CALLBACK],
      [world.now(), OUR_CALLBACK],
    ]);
  });

  it('says which sessions still run on which older version', async () => {
    const world = await worldOfOthers(database);
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
    const world = await worldOfOthers(database);
    const ports = [world.ports, world.replica()];
    const reports = await Promise.all(ports.map((own) => applyAll(own, DESIRED)));
    expect(reports.flatMap(({ failed, failures }) => [...failed, ...failures])).toEqual([]);
    expect(reports.map(({ done }) => done.length).sort()).toEqual([0, 6]);
    expectTakenOver(world);
    expect(world.state.configHistory(PLAY, 'new')).toHaveLength(1);
  });
});

describe('a look', () => {
  it.each([
    ['plan', (ports: ConfigPorts) => planConfigs(ports, DESIRED)],
    ['restore', (ports: ConfigPorts) => planRestoreConfigs(ports, DESIRED, 'everything')],
    ['the question after the keys', (ports: ConfigPorts) => keyStandings(ports, DESIRED, null)],
  ] as const)(
    'of %s waits for whoever is changing the domain: what stood before is no change of somebody else',
    async (_, look) => {
      const world = await worldOfOthers(database);
      const held = new Set<string>();
      const withDomainLock: ConfigPorts['store']['withDomainLock'] = (domain, work) =>
        world.store.withDomainLock(domain, async () => {
          held.add(domain);
          return work().finally(() => held.delete(domain));
        });
      const looked: boolean[] = [];
      const { live } = world.replica({ before: () => void looked.push(held.has(PLAY)) });
      await look({ ...world.ports, live, store: { ...world.store, withDomainLock } });
      expect(looked.length).toBeGreaterThan(0);
      expect(looked).not.toContain(false);
    },
  );
});

describe('restore', () => {
  it.each(['removed', 'kept', 'literal', 'refused'] as const)(
    'gives back the exact former state (a Callback set to "-" is %s)',
    async (callbackRemoval) => {
      const world = await worldOfOthers(database, { callbackRemoval });
      const before = standing(world.state);
      await applyAll(world.ports, DESIRED);
      const report = await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
      expect(report).toMatchObject({ failed: [], failures: [] });
      expect(standing(world.state)).toEqual(before);
      expect(await world.store.takenOver(PLAY)).toEqual([]);
    },
  );

  it('puts back the first former state, not that of a later apply', async () => {
    const world = await worldOfOthers(database);
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    world.state.changeConfig(PLAY, 'live', { callback: 'https://meddler.example.com/' });
    await applyAll(world.ports, DESIRED);
    await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
    expect(standing(world.state)).toEqual(before);
  });

  it('can put back callbacks alone, and then leaves interval and names as they are', async () => {
    const world = await worldOfOthers(database);
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    await restoreConfigs(world.ports, DESIRED, { scope: 'callbacks', shown: null });
    expect(world.state.config(PLAY, 'live')).toMatchObject({ callback: THEIR_CALLBACK, intervalSeconds: 10 });
    expect(world.state.config(PLAY, 'new')).toMatchObject({ callback: null });
    expect(standing(world.state)).toMatchObject({ auth: before.auth, push: before.push });
    expect(await world.store.takenOver(PLAY)).toEqual([]);
  });

  it('still knows the rest after callbacks alone went back', async () => {
    const world = await worldOfOthers(database);
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    await restoreConfigs(world.ports, DESIRED, { scope: 'callbacks', shown: null });
    await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
    expect(standing(world.state)).toEqual(before);
    expect(await world.store.baselines(PLAY)).toEqual([]);
  });

  it('puts back the callback that stood before the latest apply where it had been given back in between', async () => {
    const world = await worldOfOthers(database);
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    await restoreConfigs(world.ports, DESIRED, { scope: 'callbacks', shown: null });
    world.state.changeConfig(PLAY, 'live', { callback: 'https://newer.example.com/' });
    await applyAll(world.ports, DESIRED);
    expect((await world.store.takenOver(PLAY)).map(({ app }) => app)).toContain('live');
    await restoreConfigs(world.ports, DESIRED, { scope: 'everything', shown: null });
    const configs = before.configs.map((config) =>
      config.app === 'live' ? { ...config, callback: 'https://newer.example.com/' } : config,
    );
    expect(standing(world.state)).toEqual({ ...before, configs });
  });

  it('puts the push callback back where it stood, though the settings name another ingest domain by now', async () => {
    const world = await worldOfOthers(database);
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    for (const pushDomain of ['push2.example.com', null]) {
      world.state.addDomain({ domain: PLAY, pushDomains: [PUSH, 'push2.example.com'] });
      await applyAll(world.ports, settingsFor([{ app: 'live' }], { pushDomain }));
    }
    expect(world.state.pushNotify('push2.example.com').url).toBe(OUR_STREAM_CALLBACK);
    const desired = settingsFor([{ app: 'live' }], { pushDomain: null });
    const report = await restoreConfigs(world.ports, desired, { scope: 'everything', shown: null });
    expect(report).toMatchObject({ failed: [], failures: [] });
    expect(standing(world.state)).toEqual(before);
    expect(world.state.pushNotify('push2.example.com').url).toBeNull();
  });

  it('reaches a domain that has left the settings', async () => {
    const world = await worldOfOthers(database);
    const before = standing(world.state);
    await applyAll(world.ports, DESIRED);
    const desired = await restorableDomains(world.store, []);
    expect(desired.map(({ domain }) => domain)).toEqual([PLAY]);
    await restoreConfigs(world.ports, desired, { scope: 'everything', shown: null });
    expect(standing(world.state)).toEqual(before);
    expect(await restorableDomains(world.store, [])).toEqual([]);
  });

  it('adds again what it deleted when the Add got no answer', async () => {
    let adds = 0;
    const world = await worldOfOthers(database, {
      callbackRemoval: 'kept',
      before: (action) => {
        if (action !== 'AddLiveAppSnapshotConfig' || !isRestoring) return;
        adds += 1;
        if (adds === 2) throw new CouldNotLookError('no answer in time', { reason: 'timeout', transient: true });
      },
    });
    let isRestoring = false;
    const desired = settingsFor([{ app: 'shop' }], { pushDomain: null });
    await applyAll(world.ports, desired);
    const taken = world.state.config(PLAY, 'shop');
    isRestoring = true;
    const report = await restoreConfigs(world.ports, desired, { scope: 'callbacks', shown: null });
    expect(report.failed).toMatchObject([{ message: 'no answer in time' }]);
    expect(world.state.config(PLAY, 'shop')).toBeNull();
    await restoreConfigs(world.ports, desired, { scope: 'callbacks', shown: null });
    expect(world.state.config(PLAY, 'shop')).toEqual({ ...taken, callback: null, createdAtMs: world.now() });
  });

  it.each(['everything', 'callbacks'] as const)(
    'deletes no config that the vendor would not add again (scope %s)',
    async (scope) => {
      let isGone = false;
      const world = await worldOfOthers(database, { callbackRemoval: 'kept', bucketExists: () => !isGone });
      await applyAll(world.ports, DESIRED);
      isGone = true;
      const report = await restoreConfigs(world.ports, DESIRED, { scope, shown: null });
      expect(report.failed.every(({ message }) => message.includes('Create the bucket'))).toBe(true);
      expect(report.failed.map(({ step }) => subjectOf(step).app)).toContain('shop');
      expect(world.state.config(PLAY, 'shop')).toMatchObject({ callback: OUR_CALLBACK });
      isGone = false;
      await restoreConfigs(world.ports, DESIRED, { scope, shown: null });
      expect(world.state.config(PLAY, 'shop')).toMatchObject({ callback: null });
    },
  );

  it('keeps the former keys sealed in the database', async () => {
    const world = await worldOfOthers(database);
    await applyAll(world.ports, DESIRED);
    const { rows } = await database.pool.query('select config_baselines::text as text from config_baselines');
    expect(rows.map(({ text }) => text).join()).not.toMatch(/theirkey|theirpushkey/);
  });
});

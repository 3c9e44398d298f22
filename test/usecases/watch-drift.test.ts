import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SecretText } from '../../src/core/secret-text.ts';
import { CouldNotLookError } from '../../src/ports.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { noteSettings } from '../../src/usecases/note-settings.ts';
import { restoreConfigs } from '../../src/usecases/restore-configs.ts';
import { watchDrift } from '../../src/usecases/watch-drift.ts';
import {
  type ConfigWorld,
  createConfigWorld,
  OUR_CALLBACK,
  OUR_KEY,
  PLAY,
  PUSH,
  settingsFor,
  THEIR_CALLBACK,
  theirConfig,
} from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const OBSERVE = settingsFor([{ app: 'live' }]);
const ENFORCE = settingsFor([{ app: 'live' }], { mode: 'enforce' });
const MINUTE = 60_000;

let database: TestDatabase;
let world: ConfigWorld;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  world = await createConfigWorld(database);
  world.state.putConfig(theirConfig('live'));
  world.advance(MINUTE);
  await applyPlan(world.ports, OBSERVE, { shown: null });
  world.advance(MINUTE);
});

const callback = () => world.state.config(PLAY, 'live')?.callback;
const changeBehindOurBack = () => world.state.changeConfig(PLAY, 'live', { callback: THEIR_CALLBACK });
const stateOf = async (kind: string) => (await world.store.states(PLAY)).find((state) => state.kind === kind);
const said = (kind: string) => world.findings.filter((finding) => finding.kind === kind);

describe('the drift watch', () => {
  it('says nothing about drift while all is in sync, and makes no version', async () => {
    const before = await world.store.versions(PLAY);
    const report = await watchDrift(world.ports, OBSERVE);
    expect(report).toEqual({ drifted: [], healed: [], refused: [], outdated: [], failures: [] });
    expect(said('config_drift')).toEqual([]);
    expect(await world.store.versions(PLAY)).toEqual(before);
  });

  it('reports a config changed behind our back at the next poll, with since and as a version, and only observes', async () => {
    await watchDrift(world.ports, OBSERVE);
    const lastSeenOurs = world.now();
    world.advance(MINUTE);
    changeBehindOurBack();
    world.advance(10_000);
    const seenAt = world.now();
    await watchDrift(world.ports, OBSERVE);
    expect(said('config_drift')).toMatchObject([
      {
        app: 'live',
        active: true,
        detail: expect.stringContaining(`callback is ${THEIR_CALLBACK} instead of ${OUR_CALLBACK}`),
        found: {
          code: 'config-differs',
          fields: [{ field: 'callback', desired: OUR_CALLBACK, actual: THEIR_CALLBACK }],
        },
      },
    ]);
    // A session that started after the last look may have started under it.
    expect((await world.store.versions(PLAY)).at(-1)).toMatchObject({
      callback: THEIR_CALLBACK,
      validFrom: lastSeenOurs + 1,
    });
    expect(callback()).toBe(THEIR_CALLBACK);
    world.advance(MINUTE);
    await watchDrift(world.ports, OBSERVE);
    expect(await stateOf('config')).toMatchObject({ state: 'drifted', since: seenAt, driftedSince: seenAt });
  });

  it('dates a version with another interval from the look that found it', async () => {
    await watchDrift(world.ports, OBSERVE);
    world.advance(MINUTE);
    world.state.changeConfig(PLAY, 'live', { callback: THEIR_CALLBACK, intervalSeconds: 17 });
    await watchDrift(world.ports, OBSERVE);
    expect((await world.store.versions(PLAY)).at(-1)).toMatchObject({ intervalSeconds: 17, validFrom: world.now() });
  });

  it('says when it is over', async () => {
    changeBehindOurBack();
    await watchDrift(world.ports, OBSERVE);
    world.state.changeConfig(PLAY, 'live', { callback: OUR_CALLBACK });
    world.advance(MINUTE);
    await watchDrift(world.ports, OBSERVE);
    expect(said('config_drift').map(({ active }) => active)).toEqual([true, false]);
    expect(await stateOf('config')).toMatchObject({ state: 'in_sync', driftedSince: null });
  });

  it('tells a deleted config, and records its absence', async () => {
    world.state.deleteConfig(PLAY, 'live');
    await watchDrift(world.ports, OBSERVE);
    expect(said('config_drift')).toMatchObject([{ detail: expect.stringContaining('is missing at the vendor') }]);
    expect((await world.store.versions(PLAY)).at(-1)).toMatchObject({ app: 'live', absent: true });
  });

  it('heals in enforce mode at the same poll, key and push URL too, and says both', async () => {
    changeBehindOurBack();
    world.state.setCallbackAuth(PLAY, { enabled: false, key: null });
    const report = await watchDrift(world.ports, ENFORCE);
    expect(report.healed.map(({ kind }) => kind).sort()).toEqual(['callback_auth', 'config']);
    expect(callback()).toBe(OUR_CALLBACK);
    expect(world.state.callbackAuth(PLAY)).toEqual({ enabled: true, key: OUR_KEY });
    expect(said('config_drift').map(({ key, active }) => [key, active])).toEqual([
      ['config', true],
      ['callback_auth', true],
      ['config', false],
      ['callback_auth', false],
    ]);
    expect(JSON.stringify(world.findings)).not.toContain(OUR_KEY);
  });

  it('does not touch in enforce mode what was never taken over, nor what was given back', async () => {
    await restoreConfigs(world.ports, ENFORCE, { scope: 'everything', shown: null });
    world.advance(MINUTE);
    const report = await watchDrift(world.ports, ENFORCE);
    expect(report.drifted.map(({ kind }) => kind)).toContain('config');
    expect(report.healed).toEqual([]);
    expect(callback()).toBe(THEIR_CALLBACK);
  });

  it('heals three times in an hour, backs off in between, then stops with an incident until somebody applies', async () => {
    const healed: boolean[] = [];
    for (let poll = 0; poll < 20; poll += 1) {
      changeBehindOurBack();
      const report = await watchDrift(world.ports, ENFORCE);
      healed.push(report.healed.length > 0);
      world.advance(30_000);
    }
    // At 0 s, after the back-off of a minute, after that of two, and never again.
    expect(healed.flatMap((yes, poll) => (yes ? [poll] : []))).toEqual([0, 2, 6]);
    expect(said('enforce_fight')[0]).toMatchObject({
      app: 'live',
      active: true,
      detail: expect.stringContaining('3 times within an hour'),
    });
    expect((await stateOf('config'))?.stoppedAt).toEqual(expect.any(Number));

    // However long it has lasted by then.
    world.advance(30 * 60 * MINUTE);
    const before = said('enforce_fight').length;
    expect((await watchDrift(world.ports, ENFORCE)).healed).toEqual([]);
    expect(said('enforce_fight').map(({ active }) => active)).toEqual(Array(before + 1).fill(true));

    await applyPlan(world.ports, ENFORCE, { shown: null });
    await watchDrift(world.ports, ENFORCE);
    expect(said('enforce_fight').at(-1)).toMatchObject({ active: false });
    changeBehindOurBack();
    expect((await watchDrift(world.ports, ENFORCE)).healed).toHaveLength(1);
  });

  it('calls the state unknown where it could not look, keeps since when it drifted, and reports no end of it', async () => {
    changeBehindOurBack();
    await watchDrift(world.ports, OBSERVE);
    const driftedSince = world.now();
    world.advance(MINUTE);
    const blind = world.replica({
      before: () => {
        throw new CouldNotLookError('no answer in time', { reason: 'timeout', transient: true });
      },
    });
    const report = await watchDrift(blind, OBSERVE);
    expect(report.failures).toEqual([{ domain: PLAY, message: 'no answer in time' }]);
    expect(await stateOf('config')).toMatchObject({ state: 'unknown', since: world.now(), driftedSince });
    world.advance(MINUTE);
    await watchDrift(world.ports, OBSERVE);
    expect(await stateOf('config')).toMatchObject({ state: 'drifted', driftedSince });
    expect(said('config_drift').every(({ active }) => active)).toBe(true);
  });

  it('ends a drift that apply put right, and that of an app which left the settings', async () => {
    changeBehindOurBack();
    await watchDrift(world.ports, OBSERVE);
    await applyPlan(world.ports, OBSERVE, { shown: null });
    await watchDrift(world.ports, OBSERVE);
    expect(said('config_drift').map(({ active }) => active)).toEqual([true, false]);
    world.state.deleteConfig(PLAY, 'live');
    await watchDrift(world.ports, OBSERVE);
    const restarted = settingsFor([{ app: '*' }]);
    await noteSettings(world.ports, restarted);
    await watchDrift(world.ports, restarted);
    expect(
      said('config_drift')
        .filter(({ app }) => app === 'live')
        .at(-1),
    ).toMatchObject({ active: false });
  });

  it('tells why it could not be put right, until it is', async () => {
    changeBehindOurBack();
    let isRefused = true;
    const ports = world.replica({
      before: (action) => {
        if (!isRefused || action !== 'UpdateLiveAppSnapshotConfig') return;
        throw new CouldNotLookError('the credentials may not do this', { reason: 'access-denied', transient: false });
      },
    });
    const report = await watchDrift(ports, ENFORCE);
    expect(report.refused).toEqual([{ domain: PLAY, message: 'the credentials may not do this' }]);
    world.advance(10_000);
    // Not tried again yet, but still told.
    expect((await watchDrift(ports, ENFORCE)).refused).toEqual([]);
    expect(said('config_drift').at(-1)).toMatchObject({
      active: true,
      detail: expect.stringContaining('Putting it right failed: the credentials may not do this'),
    });
    isRefused = false;
    world.advance(2 * MINUTE);
    await watchDrift(ports, ENFORCE);
    expect(said('config_drift').at(-1)).toMatchObject({ active: false });
  });

  it('knows nothing of a config of which no look has come back', async () => {
    await world.store.saveStates(PLAY, []);
    const blind = world.replica({
      before: () => {
        throw new CouldNotLookError('no answer in time', { reason: 'timeout', transient: true });
      },
    });
    await watchDrift(blind, OBSERVE);
    const states = await world.store.states(PLAY);
    expect(states.map(({ kind, state, lookedAt }) => [kind, state, lookedAt])).toEqual([
      ['callback_auth', 'unknown', null],
      ['config', 'unknown', null],
      ['push_notify', 'unknown', null],
    ]);
  });

  it('goes on with the other domains after a fault of its own, and then fails with it', async () => {
    changeBehindOurBack();
    const lost = settingsFor([{ app: 'live' }], { domain: 'lost.example.com', pushDomain: null });
    const versions = (domain: string) =>
      domain === PLAY ? world.store.versions(domain) : Promise.reject(new Error('duplicate key'));
    world.state.addDomain({ domain: 'lost.example.com' });
    const ports = { ...world.ports, store: { ...world.store, versions } };
    await expect(watchDrift(ports, [...lost, ...OBSERVE])).rejects.toThrow('duplicate key');
    expect(said('config_drift')).toHaveLength(1);
  });

  it('flags a second callback URL at the domain, and says when it is gone', async () => {
    const auth = { enabled: false, key: null };
    world.state.setSnapshotNotify(PLAY, { url: 'https://third.example.com/', auth, exceptionUrl: null });
    await watchDrift(world.ports, OBSERVE);
    world.state.setSnapshotNotify(PLAY, null);
    await watchDrift(world.ports, OBSERVE);
    expect(said('two_callbacks').map(({ active }) => active)).toEqual([true, false]);
  });

  it('tells of somebody else’s URL where it leads, not what gives access to it', async () => {
    const url = 'https://third.example.com/cb?token=s3cret';
    const auth = { enabled: false, key: null };
    world.state.changeConfig(PLAY, 'live', { callback: url });
    world.state.setSnapshotNotify(PLAY, { url, auth, exceptionUrl: null });
    await watchDrift(world.ports, OBSERVE);
    expect(said('two_callbacks')[0]?.detail).toContain('(https://third.example.com/cb?token=…)');
    expect(JSON.stringify([world.findings, await world.store.states(PLAY)])).not.toContain('s3cret');
  });

  it('may run on two replicas at once: one heal, one version', async () => {
    changeBehindOurBack();
    const reports = await Promise.all([world.ports, world.replica()].map((ports) => watchDrift(ports, ENFORCE)));
    expect(reports.flatMap(({ healed }) => healed)).toHaveLength(1);
    expect(callback()).toBe(OUR_CALLBACK);
  });
});

describe('a watch whose service was started before the settings were edited and applied', () => {
  const NEW_KEY = 'anewkeyanewkeyanew01';
  const EDITED = settingsFor([{ app: 'live', interval: '20s' }], { mode: 'enforce' }).map((domain) => ({
    ...domain,
    key: new SecretText(NEW_KEY),
  }));
  const observing = (domains: typeof ENFORCE) => domains.map((domain) => ({ ...domain, mode: 'observe' as const }));
  const interval = () => world.state.config(PLAY, 'live')?.intervalSeconds;
  const key = () => world.state.callbackAuth(PLAY).key;
  beforeEach(async () => {
    await applyPlan(world.ports, EDITED, { shown: null });
    world.advance(6 * MINUTE);
  });

  it('does not undo what was applied, and says once a poll and in the finding what to do', async () => {
    const report = await watchDrift(world.ports, ENFORCE);
    expect(report.healed).toEqual([]);
    expect([interval(), key()]).toEqual([20, NEW_KEY]);
    expect(report.outdated).toEqual([{ domain: PLAY, message: expect.stringContaining('restarted') }]);
    expect(said('config_drift')).toHaveLength(3);
    for (const told of said('config_drift')) {
      expect(told).toMatchObject({
        active: true,
        detail: expect.stringContaining('started with other settings than were applied'),
        found: { outdated: true },
      });
    }
  });

  it('never calls it a fight, however often it polls', async () => {
    for (let poll = 0; poll < 10; poll += 1) {
      await watchDrift(world.ports, ENFORCE);
      world.advance(5 * MINUTE);
    }
    expect([interval(), key()]).toEqual([20, NEW_KEY]);
    expect(said('enforce_fight')).toEqual([]);
    expect((await stateOf('config'))?.stoppedAt).toBeNull();
  });

  it('leaves it to one that was started with those, as long as that one watches, to say what differs', async () => {
    world.state.changeConfig(PLAY, 'live', { bucket: 'another-bucket' });
    for (let poll = 0; poll < 20; poll += 1) {
      await watchDrift(world.ports, poll % 2 === 0 ? observing(EDITED) : observing(ENFORCE));
      world.advance(MINUTE);
    }
    const differing = () => said('config_drift').map(({ key, active, detail }) => `${key} ${active} ${detail}`);
    expect(new Set(differing())).toEqual(new Set([expect.stringMatching(/^config true .* differs .*another-bucket/)]));
    expect((await stateOf('callback_auth'))?.state).toBe('in_sync');
    expect((await watchDrift(world.ports, observing(ENFORCE))).outdated).toHaveLength(1);
    world.advance(5 * MINUTE);
    await watchDrift(world.ports, observing(ENFORCE));
    expect((await stateOf('callback_auth'))?.state).toBe('drifted');
  });

  it('says nothing of it while all that stands is what it wants', async () => {
    world.state.changeConfig(PLAY, 'live', { intervalSeconds: 10 });
    const auth = { enabled: true, key: OUR_KEY };
    world.state.setCallbackAuth(PLAY, auth);
    world.state.setPushNotify(PUSH, { ...world.state.pushNotify(PUSH), auth });
    expect(await watchDrift(world.ports, ENFORCE)).toMatchObject({ drifted: [], outdated: [] });
  });

  it('heals again after a restart with the edited settings, towards these', async () => {
    await watchDrift(world.ports, ENFORCE);
    await noteSettings(world.ports, EDITED);
    changeBehindOurBack();
    world.state.changeConfig(PLAY, 'live', { intervalSeconds: 10 });
    expect(await watchDrift(world.ports, EDITED)).toMatchObject({ healed: [{ kind: 'config' }], outdated: [] });
    expect([callback(), interval(), key()]).toEqual([OUR_CALLBACK, 20, NEW_KEY]);
    expect(said('config_drift').at(-1)).toMatchObject({ active: false });
  });

  it('heals towards its own once it was restarted as it was: who came last says what holds', async () => {
    await noteSettings(world.ports, ENFORCE);
    expect((await watchDrift(world.ports, ENFORCE)).healed).toHaveLength(3);
    expect([interval(), key()]).toEqual([10, OUR_KEY]);
    world.advance(5 * MINUTE);
    expect((await watchDrift(world.ports, EDITED)).healed).toEqual([]);
    expect([interval(), key()]).toEqual([10, OUR_KEY]);
  });

  it('does not undo either what an apply left half done', async () => {
    await noteSettings(world.ports, ENFORCE);
    await watchDrift(world.ports, ENFORCE);
    const dying = world.replica({
      after: (action) => {
        if (action === 'SetSnapshotCallbackAuth') throw new Error('killed');
      },
    });
    await expect(applyPlan(dying, EDITED, { shown: null })).rejects.toThrow('killed');
    expect(key()).toBe(NEW_KEY);
    expect((await watchDrift(world.ports, ENFORCE)).healed).toEqual([]);
    expect(key()).toBe(NEW_KEY);
  });

  it('heals on where an apply made nothing of its plan', async () => {
    await noteSettings(world.ports, ENFORCE);
    world.state.changeConfig(PLAY, 'live', { intervalSeconds: 30 });
    const { failures } = await applyPlan(world.ports, EDITED, { shown: { domains: [], failures: [] } });
    expect(failures).toHaveLength(1);
    expect((await watchDrift(world.ports, ENFORCE)).healed).toHaveLength(3);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import { subjectOf } from '../../src/core/config-plan.ts';
import { SecretText } from '../../src/core/secret-text.ts';
import { CouldNotLookError } from '../../src/ports.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { noteSettings } from '../../src/usecases/note-settings.ts';
import { planConfigs } from '../../src/usecases/plan-configs.ts';
import type { ConfigPorts } from '../../src/usecases/reconcile-configs.ts';
import { planRestoreConfigs, restorableDomains, restoreConfigs } from '../../src/usecases/restore-configs.ts';
import { keyStandings, planRotation, rotateKey } from '../../src/usecases/rotate-key.ts';
import { watchDrift } from '../../src/usecases/watch-drift.ts';
import {
  type ConfigWorld,
  createConfigWorld,
  OUR_KEY,
  PLAY,
  PUSH,
  settingsFor,
  standing,
  THEIR_CALLBACK,
  theirConfig,
} from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const NEW_KEY = 'anewkeyanewkeyanew01';
const PREVIOUS = new SecretText(OUR_KEY);
const LATER = 10 * 60_000;
const OTHER = 'other.example.com';
const LIVE = settingsFor([{ app: 'live' }]);
const ENFORCED = settingsFor([{ app: 'live' }], { mode: 'enforce' });
const ON_OTHER = settingsFor([{ app: 'live' }], { domain: OTHER, pushDomain: null });

let database: TestDatabase;
let world: ConfigWorld;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  world = await createConfigWorld(database);
  world.state.addDomain({ domain: OTHER });
  world.state.putConfig(theirConfig('live'));
  for (const domain of [PLAY, OTHER])
    world.state.setCallbackAuth(domain, { enabled: true, key: 'theirkeytheirkey0001' });
});

const withNewKey = (desired: typeof LIVE) => desired.map((domain) => ({ ...domain, key: new SecretText(NEW_KEY) }));
const portsWith = (...sealingKeys: string[]): ConfigPorts & typeof world.ports => ({
  ...world.ports,
  store: createConfigStore(database, { sealingKeys }),
});
const safeToForget = async (ports: ConfigPorts, desired: typeof LIVE) =>
  (await keyStandings(ports, desired, PREVIOUS)).standings.every((each) => each.safeToForget);

describe('once the previous key may be forgotten, restore still knows the former keys', () => {
  it('where enforcing has set the new key', async () => {
    const before = standing(world.state);
    await applyPlan(world.ports, ENFORCED, { shown: null });
    world.advance(LATER);
    const desired = withNewKey(ENFORCED);
    await noteSettings(world.ports, desired);
    expect((await watchDrift(portsWith(NEW_KEY, OUR_KEY), desired)).healed).toHaveLength(2);
    world.advance(LATER);
    expect(await safeToForget(portsWith(NEW_KEY, OUR_KEY), desired)).toBe(true);
    await restoreConfigs(portsWith(NEW_KEY), desired, { scope: 'everything', shown: null });
    expect(standing(world.state)).toEqual(before);
  });

  it('of domains that have left the settings', async () => {
    await applyPlan(world.ports, [...LIVE, ...ON_OTHER], { shown: null });
    world.advance(LATER);
    const rotating = portsWith(NEW_KEY, OUR_KEY);
    await rotateKey(rotating, withNewKey(LIVE), { shown: null });
    world.advance(LATER);
    expect(await safeToForget(rotating, withNewKey(LIVE))).toBe(true);
    const { store } = portsWith(NEW_KEY);
    const domains = await restorableDomains(store, withNewKey(LIVE));
    const { failures } = await restoreConfigs(portsWith(NEW_KEY), domains, { scope: 'everything', shown: null });
    expect(failures).toEqual([]);
    expect(world.state.callbackAuth(OTHER).key).toBe('theirkeytheirkey0001');
  });

  it('and one that it does not know keeps no other domain from being put back', async () => {
    await applyPlan(portsWith('aforgottenkeyofours1'), ON_OTHER, { shown: null });
    await applyPlan(world.ports, LIVE, { shown: null });
    const { failures } = await restoreConfigs(world.ports, [...ON_OTHER, ...LIVE], {
      scope: 'everything',
      shown: null,
    });
    expect(failures).toMatchObject([{ domain: OTHER, message: expect.stringContaining('KEY_PREVIOUS') }]);
    expect(world.state.config(PLAY, 'live')?.callback).toBe(THEIR_CALLBACK);
  });
});

it('no key is rotated where it could not be seen which one the running sessions sign with', async () => {
  await applyPlan(world.ports, LIVE, { shown: null });
  world.state.setCallbackAuth(PLAY, { enabled: true, key: 'somebodyelseskey0001' });
  const ports = world.replica({
    before: (action) => {
      if (action !== 'DescribeLiveStreamsOnlineList') return;
      throw new CouldNotLookError('throttled', { reason: 'throttled', transient: true });
    },
  });
  const plan = await planRotation(ports, withNewKey(LIVE), PREVIOUS, { force: false });
  expect(plan).toEqual({ domains: [], failures: [{ domain: PLAY, message: 'throttled' }] });
});

describe('restore', () => {
  it('makes no change in a later round that was not shown, and says so', async () => {
    const desired = settingsFor([{ app: 'live' }, { app: 'new' }]);
    await applyPlan(world.ports, desired, { shown: null });
    world.state.deleteConfig(PLAY, 'new');
    const shown = await planRestoreConfigs(world.ports, desired, 'everything');
    const theirs = theirConfig('new', { callback: 'https://third.example.com/' });
    let meddled = false;
    const ports = world.replica({
      after: (action) => {
        if (action !== 'UpdateLiveAppSnapshotConfig' || meddled) return;
        meddled = true;
        world.state.putConfig(theirs);
      },
    });
    const report = await restoreConfigs(ports, desired, { scope: 'everything', shown });
    expect(report.done.map((step) => subjectOf(step).app)).toEqual([null, null, 'live']);
    expect(report.failures).toMatchObject([{ message: expect.stringContaining('not shown') }]);
    expect(world.state.config(PLAY, 'new')).toMatchObject(theirs);
  });

  it('puts back the rest where an ingest domain of former settings is gone, and says so', async () => {
    await applyPlan(world.ports, LIVE, { shown: null });
    world.state.addDomain({ domain: PLAY, pushDomains: ['push2.example.com'] });
    const desired = settingsFor([{ app: 'live' }], { pushDomain: 'push2.example.com' });
    const shown = await planRestoreConfigs(world.ports, desired, 'everything');
    expect(shown.failures).toMatchObject([{ message: expect.stringContaining(PUSH) }]);
    const report = await restoreConfigs(world.ports, desired, { scope: 'everything', shown });
    expect(report.failures).toMatchObject([{ message: expect.stringContaining(PUSH) }]);
    expect(world.state.config(PLAY, 'live')?.callback).toBe(THEIR_CALLBACK);
    expect(await world.store.takenOver(PLAY)).toMatchObject([{ kind: 'push_notify', pushDomain: PUSH }]);
  });

  it('puts back the callback that somebody set in between on a config that was ours', async () => {
    const desired = settingsFor([{ app: 'new' }]);
    await applyPlan(world.ports, desired, { shown: null });
    await restoreConfigs(world.ports, desired, { scope: 'callbacks', shown: null });
    world.state.changeConfig(PLAY, 'new', { callback: 'https://third.example.com/' });
    const before = standing(world.state);
    await applyPlan(world.ports, desired, { shown: null });
    await restoreConfigs(world.ports, desired, { scope: 'everything', shown: null });
    expect(standing(world.state)).toEqual(before);
  });

  it('gives back a config that somebody else added between the look of apply and its Add', async () => {
    const desired = settingsFor([{ app: 'new' }]);
    const shown = await planConfigs(world.ports, desired);
    const theirs = theirConfig('new', { intervalSeconds: 20 });
    let once = false;
    const ports = world.replica({
      before: (action) => {
        if (action !== 'AddLiveAppSnapshotConfig' || once) return;
        once = true;
        world.state.putConfig(theirs);
      },
    });
    await applyPlan(ports, desired, { shown });
    await restoreConfigs(world.ports, desired, { scope: 'everything', shown: null });
    expect(world.state.config(PLAY, 'new')).toMatchObject(theirs);
  });
});

it('a domain whose former key cannot be kept is not taken over in part', async () => {
  world.state.setPushNotify(PUSH, {
    url: 'https://old.example.com/push',
    auth: { enabled: true, key: 'theirpushkeytheirpushkey' },
    exceptionUrl: null,
  });
  const keyless = ENFORCED.map((domain) => ({ ...domain, key: null }));
  const { failures } = await applyPlan(portsWith(), keyless, { shown: null });
  expect(failures).toMatchObject([{ message: expect.stringContaining('cannot be kept safely') }]);
  expect(await world.store.takenOver(PLAY)).toEqual([]);
  await watchDrift(portsWith(), keyless);
  expect(world.state.config(PLAY, 'live')?.callback).toBe(THEIR_CALLBACK);
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SecretText } from '../../src/core/secret-text.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { noteSettings } from '../../src/usecases/note-settings.ts';
import { restoreConfigs } from '../../src/usecases/restore-configs.ts';
import { keyStandings, planRotation, rotateKey } from '../../src/usecases/rotate-key.ts';
import { watchDrift } from '../../src/usecases/watch-drift.ts';
import {
  type ConfigWorld,
  createConfigWorld,
  OUR_KEY,
  PLAY,
  PUSH,
  settingsFor,
  theirConfig,
} from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const NEW_KEY = 'anewkeyanewkeyanew01';
const OLD = settingsFor([{ app: 'live' }]);
const NEW = OLD.map((domain) => ({ ...domain, key: new SecretText(NEW_KEY) }));
const PREVIOUS = new SecretText(OUR_KEY);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const STREAM = { domain: PLAY, app: 'live', stream: 'cam01' };

let database: TestDatabase;
let world: ConfigWorld;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  world = await createConfigWorld(database);
  world.state.putConfig(theirConfig('live'));
  await applyPlan(world.ports, OLD, { shown: null });
  world.advance(10 * MINUTE);
});

const rotate = async ({ force = false, desired = NEW } = {}) => {
  const shown = await planRotation(world.ports, desired, PREVIOUS, { force });
  return rotateKey(world.ports, desired, { shown });
};
const standings = async () => {
  const { standings: found } = await keyStandings(world.ports, NEW, PREVIOUS);
  return found.map(({ kind, vendorKey, oldSessions, safeToForget }) => [
    kind,
    vendorKey,
    oldSessions.length,
    safeToForget,
  ]);
};

describe('rotating the callback key', () => {
  it('sets the new key for callbacks and push callbacks, and changes no config', async () => {
    expect(await standings()).toEqual([
      ['callback_auth', 'previous', 0, false],
      ['push_notify', 'previous', 0, false],
    ]);
    const config = world.state.config(PLAY, 'live');
    await rotate();
    expect(world.state.callbackAuth(PLAY)).toEqual({ enabled: true, key: NEW_KEY });
    expect(world.state.pushNotify(PUSH).auth).toEqual({ enabled: true, key: NEW_KEY });
    expect(world.state.config(PLAY, 'live')).toEqual(config);
  });

  it('needs the old key until the last session has ended that started before the new one surely worked', async () => {
    const before = world.state.startSession(STREAM);
    await rotate();
    world.advance(5 * MINUTE - SECOND);
    // The new key stood for almost five minutes, but may not have worked yet when this one started.
    const meanwhile = world.state.startSession({ ...STREAM, stream: 'cam02' });
    world.advance(SECOND);
    world.state.startSession({ ...STREAM, stream: 'cam03' });
    world.advance(60 * MINUTE);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 2, false]);
    world.state.endSession(before);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 1, false]);
    world.state.endSession(meanwhile);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 0, true]);
  });

  it('needs it for five minutes at least: so long may a setting take to work', async () => {
    await rotate();
    world.advance(5 * MINUTE - 1);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 0, false]);
    world.advance(1);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 0, true]);
  });

  it('does not set a new key while the one in use is unknown here, unless forced', async () => {
    world.state.setCallbackAuth(PLAY, { enabled: true, key: 'somebodyelseskey0001' });
    await expect(rotate()).rejects.toThrow('SNAPAUDIT_CALLBACK_KEY_PREVIOUS');
    expect(world.state.callbackAuth(PLAY).key).toBe('somebodyelseskey0001');
    await rotate({ force: true });
    expect(world.state.callbackAuth(PLAY).key).toBe(NEW_KEY);
  });

  it('touches neither a domain that was never taken over nor a URL', async () => {
    await restoreConfigs(world.ports, OLD, { scope: 'everything', shown: null });
    await rotate();
    expect(world.state.callbackAuth(PLAY)).toEqual({ enabled: false, key: null });
    await applyPlan(world.ports, OLD, { shown: null });
    const elsewhere = { ...world.state.pushNotify(PUSH), url: 'https://third.example.com/push' };
    world.state.setPushNotify(PUSH, elsewhere);
    await rotate();
    expect(world.state.callbackAuth(PLAY).key).toBe(NEW_KEY);
    expect(world.state.pushNotify(PUSH)).toEqual(elsewhere);
  });

  it('makes no call that was not shown', async () => {
    const shown = await planRotation(world.ports, NEW, PREVIOUS, { force: false });
    world.state.setCallbackAuth(PLAY, { enabled: false, key: null });
    world.state.setPushNotify(PUSH, { ...world.state.pushNotify(PUSH), url: 'https://third.example.com/push' });
    await rotateKey(world.ports, NEW, { shown: { ...shown, domains: [] } }).then(({ done, failures }) => {
      expect(done).toEqual([]);
      expect(failures).toMatchObject([{ message: expect.stringContaining('nothing was done there') }]);
    });
  });

  it('puts nothing else of the settings in force: a service that has the new key and what was applied heals on', async () => {
    const serving = NEW.map((domain) => ({ ...domain, mode: 'enforce' as const }));
    const edited = settingsFor([{ app: 'live', interval: '20s' }]).map((domain) => ({
      ...domain,
      key: new SecretText(NEW_KEY),
    }));
    await noteSettings(world.ports, serving);
    expect((await watchDrift(world.ports, serving)).healed).toHaveLength(2);
    expect((await rotate({ desired: edited })).done).toEqual([]);
    world.state.changeConfig(PLAY, 'live', { intervalSeconds: 30 });
    expect(await watchDrift(world.ports, serving)).toMatchObject({ healed: [{ kind: 'config' }], outdated: [] });
  });

  it('is not undone by a service in enforce mode that was started with the old key, until it is restarted with the new one', async () => {
    const enforced = (desired: typeof OLD) => desired.map((domain) => ({ ...domain, mode: 'enforce' as const }));
    await noteSettings(world.ports, enforced(OLD));
    await rotate();
    const report = await watchDrift(world.ports, enforced(OLD));
    expect(report).toMatchObject({ healed: [], outdated: [{ domain: PLAY }] });
    expect(world.state.callbackAuth(PLAY).key).toBe(NEW_KEY);
    expect(world.state.pushNotify(PUSH).auth.key).toBe(NEW_KEY);
    await noteSettings(world.ports, enforced(NEW));
    world.state.setCallbackAuth(PLAY, { enabled: true, key: OUR_KEY });
    expect((await watchDrift(world.ports, enforced(NEW))).healed).toHaveLength(1);
    expect(world.state.callbackAuth(PLAY).key).toBe(NEW_KEY);
  });

  it('does not let healing go on that had stopped', async () => {
    const enforce = settingsFor([{ app: 'live' }], { mode: 'enforce' });
    const stopped = async () => (await world.store.states(PLAY)).find(({ kind }) => kind === 'config')?.stoppedAt;
    for (let poll = 0; (await stopped()) == null; poll += 1) {
      expect(poll).toBeLessThan(20);
      world.state.changeConfig(PLAY, 'live', { callback: 'https://third.example.com/' });
      await watchDrift(world.ports, enforce);
      world.advance(MINUTE);
    }
    await rotate();
    expect(world.state.callbackAuth(PLAY).key).toBe(NEW_KEY);
    expect(await stopped()).toEqual(expect.any(Number));
  });
});

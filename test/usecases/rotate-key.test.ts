import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SecretText } from '../../src/core/secret-text.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
import { keyStandings, rotateKey } from '../../src/usecases/rotate-key.ts';
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
    await rotateKey(world.ports, NEW, PREVIOUS, { force: false });
    expect(world.state.callbackAuth(PLAY)).toEqual({ enabled: true, key: NEW_KEY });
    expect(world.state.pushNotify(PUSH).auth).toEqual({ enabled: true, key: NEW_KEY });
    expect(world.state.config(PLAY, 'live')).toEqual(config);
  });

  it('needs the old key until the last session that started before the change has ended', async () => {
    const before = world.state.startSession(STREAM);
    world.advance(SECOND);
    await rotateKey(world.ports, NEW, PREVIOUS, { force: false });
    world.advance(SECOND);
    world.state.startSession({ ...STREAM, stream: 'cam02' });
    world.advance(60 * MINUTE);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 1, false]);
    world.state.endSession(before);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 0, true]);
  });

  it('needs it for five minutes at least: so long may a setting take to work', async () => {
    await rotateKey(world.ports, NEW, PREVIOUS, { force: false });
    world.advance(5 * MINUTE - 1);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 0, false]);
    world.advance(1);
    expect((await standings())[0]).toEqual(['callback_auth', 'current', 0, true]);
  });

  it('does not set a new key while the one in use is unknown here, unless forced', async () => {
    world.state.setCallbackAuth(PLAY, { enabled: true, key: 'somebodyelseskey0001' });
    await expect(rotateKey(world.ports, NEW, PREVIOUS, { force: false })).rejects.toThrow(
      'SNAPAUDIT_CALLBACK_KEY_PREVIOUS',
    );
    expect(world.state.callbackAuth(PLAY).key).toBe('somebodyelseskey0001');
    await rotateKey(world.ports, NEW, PREVIOUS, { force: true });
    expect(world.state.callbackAuth(PLAY).key).toBe(NEW_KEY);
  });
});

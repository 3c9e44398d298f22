import { expect } from 'vitest';
import type { Database } from '../../src/adapters/postgres/database.ts';
import type { RestoreScope } from '../../src/core/restore-plan.ts';
import type { ConfigStore } from '../../src/ports.ts';
import { applyPlan } from '../../src/usecases/apply-plan.ts';
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
  theirConfig,
} from './config-world.ts';
import { createFakeLiveApi, type FakeLiveApiOptions } from './fake-live-api.ts';

/** A world whose vendor already holds configs of somebody else. */
export async function worldOfOthers(database: Database, options: FakeLiveApiOptions = {}): Promise<ConfigWorld> {
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

/** What takes over some of them. */
export const DESIRED = settingsFor([{ app: 'live' }, { app: 'shop' }, { app: 'new' }, { app: '*', interval: '60s' }]);

export function expectTakenOver(world: ConfigWorld) {
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

/** Throws at the n-th call of vendor or store, before or after it had its effect; as if the process had died there. */
export class Crash extends Error {}
export function crashing(
  world: ConfigWorld,
  crashAt: number,
  when: 'before' | 'after',
  options: FakeLiveApiOptions = {},
): { ports: ConfigPorts; calls: () => number } {
  let calls = 0;
  const count = (moment: 'before' | 'after') => {
    if (moment === 'before') calls += 1;
    if (calls > crashAt || (calls === crashAt && moment === when)) throw new Crash();
  };
  const live = createFakeLiveApi(world.state, {
    ...options,
    before: () => count('before'),
    after: () => count('after'),
  });
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

type Removal = NonNullable<FakeLiveApiOptions['callbackRemoval']>;

async function worldTakenOver(database: Database, callbackRemoval: Removal): Promise<ConfigWorld> {
  const world = await worldOfOthers(database, { callbackRemoval });
  await applyPlan(world.ports, DESIRED, { shown: null });
  return world;
}

const end = async (world: ConfigWorld) => ({
  ...standing(world.state),
  takenOver: await world.store.takenOver(PLAY),
});

/** How a restore that nothing disturbs ends, and in how many calls. */
export async function endOfRestore(database: Database, scope: RestoreScope, callbackRemoval: Removal) {
  const world = await worldTakenOver(database, callbackRemoval);
  const counted = crashing(world, Number.POSITIVE_INFINITY, 'before', { callbackRemoval });
  await restoreConfigs(counted.ports, DESIRED, { scope, shown: null });
  const expected = await end(world);
  expect(expected.takenOver).toEqual([]);
  expect(expected.configs.map(({ app, callback }) => [app, callback])).toContainEqual(['shop', null]);
  return { expected, calls: counted.calls() };
}

/** How it ends when it is run again after a crash. */
export async function restoreCrashingAt(
  database: Database,
  at: number,
  when: 'before' | 'after',
  scope: RestoreScope,
  callbackRemoval: Removal,
) {
  const world = await worldTakenOver(database, callbackRemoval);
  const { ports } = crashing(world, at, when, { callbackRemoval });
  await restoreConfigs(ports, DESIRED, { scope, shown: null }).catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error;
  });
  await restoreConfigs(world.ports, DESIRED, { scope, shown: null });
  return end(world);
}

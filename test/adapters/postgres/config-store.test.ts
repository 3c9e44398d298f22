import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createConfigStore } from '../../../src/adapters/postgres/config-store.ts';
import { openSealedText, sealText } from '../../../src/adapters/postgres/sealed-text.ts';
import { SecretText } from '../../../src/core/secret-text.ts';
import type { ConfigStore } from '../../../src/ports.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const DOMAIN = 'play.example.com';
const KEY = 'ourkeyourkeyourkey01';
const VERSION = {
  domain: DOMAIN,
  app: 'live',
  validFrom: 1_000_000_000_000,
  intervalSeconds: 10,
  bucket: 'b',
  endpoint: 'e',
  sequenceObject: '{Sequence}.jpg',
  overwriteObject: null,
  callback: null,
};

let database: TestDatabase;
let store: ConfigStore;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  for (const table of ['config_versions', 'config_baselines', 'callback_key_changes', 'settings_in_force']) {
    await database.pool.query(`delete from ${table}`);
  }
  store = createConfigStore(database, { sealingKeys: [KEY] });
});

describe('config versions', () => {
  it('are appended only where something changed, in order, and read back as they were', async () => {
    const changed = { ...VERSION, validFrom: VERSION.validFrom + 1000, callback: 'https://x.example.com/' };
    expect(await store.appendVersions([VERSION], 'observed')).toHaveLength(1);
    expect(await store.appendVersions([{ ...VERSION, validFrom: VERSION.validFrom + 500 }], 'observed')).toEqual([]);
    expect(await store.appendVersions([changed], 'applied')).toHaveLength(1);
    expect(await store.versions(DOMAIN)).toEqual([VERSION, changed]);
  });

  it('go behind the latest one where they claim an earlier instant', async () => {
    await store.appendVersions([VERSION], 'applied');
    const late = { ...VERSION, intervalSeconds: 20, validFrom: VERSION.validFrom - 5000 };
    await store.appendVersions([late], 'observed');
    expect((await store.versions(DOMAIN)).map((version) => version.validFrom)).toEqual([
      VERSION.validFrom,
      VERSION.validFrom + 1,
    ]);
  });

  it('say when a config is gone, but not of one that never was', async () => {
    const absent = { ...VERSION, validFrom: VERSION.validFrom + 1000, absent: true };
    expect(await store.appendVersions([absent], 'observed')).toEqual([]);
    await store.appendVersions([VERSION], 'observed');
    await store.appendVersions([absent, { ...absent, validFrom: absent.validFrom + 1 }], 'observed');
    expect((await store.versions(DOMAIN)).map((version) => version.absent ?? false)).toEqual([false, true]);
  });
});

it('settings in force are those noted last, of each domain its own', async () => {
  expect(await store.settingsInForce(DOMAIN)).toBeNull();
  await store.noteSettings(DOMAIN, 'first', 2000);
  await store.noteSettings('other.example.com', 'another', 2000);
  // Whoever came last is the last one, whatever its clock says.
  await store.noteSettings(DOMAIN, 'second', 1000);
  expect(await store.settingsInForce(DOMAIN)).toEqual({ digest: 'second', notedAt: 1000 });
  expect(await store.settingsInForce('other.example.com')).toEqual({ digest: 'another', notedAt: 2000 });
  await store.noteWatch(DOMAIN, 'first', 3000);
  expect(await store.settingsInForce(DOMAIN)).toEqual({ digest: 'second', notedAt: 1000 });
  await store.noteWatch(DOMAIN, 'second', 4000);
  expect(await store.settingsInForce(DOMAIN)).toEqual({ digest: 'second', notedAt: 4000 });
});

describe('baselines', () => {
  const baseline = (key: string) => ({
    domain: DOMAIN,
    kind: 'callback_auth' as const,
    app: null,
    former: { enabled: true, key: new SecretText(key) },
    rememberedAt: 1,
  });

  it('keep what was remembered first', async () => {
    await store.rememberBaselines([baseline('firstfirstfirst1')]);
    await store.rememberBaselines([baseline('secondsecondsec1')]);
    const [kept] = await store.baselines(DOMAIN);
    expect(kept?.kind === 'callback_auth' && kept.former.key?.reveal()).toBe('firstfirstfirst1');
  });

  it('open with the previous callback key after a rotation, and say what is needed when neither fits', async () => {
    await store.rememberBaselines([baseline('firstfirstfirst1')]);
    const rotated = createConfigStore(database, { sealingKeys: ['anewkeyanewkey0001', KEY] });
    const [kept] = await rotated.baselines(DOMAIN);
    expect(kept?.kind === 'callback_auth' && kept.former.key?.reveal()).toBe('firstfirstfirst1');
    const stranger = createConfigStore(database, { sealingKeys: ['anewkeyanewkey0001'] });
    await expect(stranger.baselines(DOMAIN)).rejects.toThrow('SNAPAUDIT_CALLBACK_KEY_PREVIOUS');
  });

  it('open without the previous key once they were sealed anew', async () => {
    await store.rememberBaselines([baseline('firstfirstfirst1')]);
    const rotated = createConfigStore(database, { sealingKeys: ['anewkeyanewkey0001', KEY] });
    await rotated.resealBaselines(DOMAIN);
    const later = createConfigStore(database, { sealingKeys: ['anewkeyanewkey0001'] });
    const [kept] = await later.baselines(DOMAIN);
    expect(kept?.kind === 'callback_auth' && kept.former.key?.reveal()).toBe('firstfirstfirst1');
  });

  it('are not kept in clear for want of a key to seal them with', async () => {
    const keyless = createConfigStore(database, { sealingKeys: [] });
    await expect(keyless.rememberBaselines([baseline('firstfirstfirst1')])).rejects.toThrow('SNAPAUDIT_CALLBACK_KEY');
  });
});

describe('a sealed text', () => {
  it('opens with its key alone, and not once it was tampered with', () => {
    const sealed = sealText('secret', KEY);
    expect(openSealedText(sealed, ['other', KEY])).toBe('secret');
    expect(openSealedText(sealed, ['other'])).toBeNull();
    const bytes = Buffer.from(sealed, 'base64');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(openSealedText(bytes.toString('base64'), [KEY])).toBeNull();
  });
});

describe('the lock of a domain', () => {
  it('lets one work at a time on a domain, and others on other domains', async () => {
    const events: string[] = [];
    const other = createConfigStore(database, { sealingKeys: [KEY] });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let taken = () => {};
    const isTaken = new Promise<void>((resolve) => {
      taken = resolve;
    });
    const first = store.withDomainLock('a', async () => {
      events.push('first begins');
      taken();
      await held;
      events.push('first ends');
    });
    await isTaken;
    const second = other.withDomainLock('a', async () => void events.push('second'));
    await other.withDomainLock('b', async () => void events.push('other domain'));
    release();
    await Promise.all([first, second]);
    expect(events).toEqual(['first begins', 'other domain', 'first ends', 'second']);
  });

  it('is free again after the work failed', async () => {
    await expect(store.withDomainLock('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await store.withDomainLock('a', async () => 'done')).toBe('done');
  });
});

describe('changes of the callback key', () => {
  it('are kept with their instant, once each', async () => {
    const change = (at: number, keyDigest: string | null) => ({ kind: 'callback_auth' as const, at, keyDigest });
    await store.recordKey(DOMAIN, change(1000, null), 'observed');
    await store.recordKey(DOMAIN, change(2000, 'aa'), 'applied');
    await store.recordKey(DOMAIN, change(3000, 'aa'), 'observed');
    await store.recordKey(DOMAIN, change(4000, 'bb'), 'observed');
    expect(await store.keyChanges(DOMAIN)).toEqual([
      { ...change(2000, 'aa'), source: 'applied' },
      { ...change(4000, 'bb'), source: 'observed' },
    ]);
  });
});

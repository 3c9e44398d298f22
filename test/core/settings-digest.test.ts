import { expect, it } from 'vitest';
import { CONFIG_FIELDS } from '../../src/core/config-diff.ts';
import type { DesiredDomain } from '../../src/core/config-plan.ts';
import { SecretText } from '../../src/core/secret-text.ts';
import { settingsDigest, withKeyOf } from '../../src/core/settings-digest.ts';

const CONFIG = {
  domain: 'd',
  app: 'live',
  intervalSeconds: 10,
  bucket: 'b',
  endpoint: 'e',
  sequenceObject: '{Sequence}.jpg',
  overwriteObject: null,
  callback: 'https://ours.example.com/snapshot',
  ignore: ['bucket' as const, 'intervalSeconds' as const],
};
const DESIRED: DesiredDomain = {
  domain: 'd',
  pushDomain: 'push',
  mode: 'enforce',
  key: new SecretText('keykeykeykeykey1'),
  streamCallback: 'https://ours.example.com/stream',
  configs: [CONFIG, { ...CONFIG, app: '*' }],
};
const digest = (changes: Partial<DesiredDomain> = {}) => settingsDigest({ ...DESIRED, ...changes });

const withConfig = (changes: Partial<DesiredDomain['configs'][number]>) =>
  digest({ configs: [{ ...CONFIG, ...changes }, DESIRED.configs[1]!] });

it('the digest of settings is the same in any order of the apps, and in either mode', () => {
  expect(digest()).toMatch(/^[0-9a-f]{128}$/);
  expect(digest({ key: new SecretText('keykeykeykeykey1'), mode: 'observe' })).toBe(digest());
  expect(digest({ configs: DESIRED.configs.toReversed() })).toBe(digest());
  expect(withConfig({ ignore: CONFIG.ignore.toReversed() })).toBe(digest());
});

it.each(CONFIG_FIELDS)('the digest of settings tells another %s', (field) => {
  expect(withConfig({ [field]: field === 'intervalSeconds' ? 11 : 'other' })).not.toBe(digest());
});

it.each([
  ['another key', { key: new SecretText('keykeykeykeykey2') }],
  ['no key', { key: null }],
  ['another ingest domain', { pushDomain: 'push2' }],
  ['no ingest domain', { pushDomain: null }],
  ['another push callback', { streamCallback: 'https://else.example.com/stream' }],
  ['an app less', { configs: [CONFIG] }],
  ['fields that may differ', { configs: [{ ...CONFIG, ignore: [] }, DESIRED.configs[1]!] }],
])('the digest of settings tells %s', (_, changes) => {
  expect(digest(changes)).not.toBe(digest());
});

it('the digest of settings with another key is that of the same settings with it', () => {
  const key = new SecretText('keykeykeykeykey2');
  expect(withKeyOf(digest(), { key })).toBe(digest({ key }));
  expect(withKeyOf(digest({ configs: [CONFIG] }), { key })).toBe(digest({ configs: [CONFIG], key }));
});

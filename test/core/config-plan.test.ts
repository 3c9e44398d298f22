import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CONFIG_FIELDS, changeTowards, differingFields } from '../../src/core/config-diff.ts';
import { stepFingerprint } from '../../src/core/config-plan.ts';
import { planRestore } from '../../src/core/restore-plan.ts';
import { SecretText } from '../../src/core/secret-text.ts';

const CONFIG = {
  intervalSeconds: 10,
  bucket: 'b',
  endpoint: 'e',
  sequenceObject: '{Sequence}.jpg',
  overwriteObject: null,
  callback: 'https://ours.example.com/',
};

describe('the difference between two configs', () => {
  it.each(CONFIG_FIELDS)('sees %s, unless it is ignored', (field) => {
    const other = { ...CONFIG, [field]: field === 'intervalSeconds' ? 11 : 'other' };
    expect(differingFields(CONFIG, other)).toEqual([{ field, desired: CONFIG[field], actual: other[field] }]);
    expect(differingFields(CONFIG, other, [field])).toEqual([]);
    expect({ ...other, ...changeTowards(differingFields(CONFIG, other)) }).toEqual(CONFIG);
  });
});

describe('a step', () => {
  const step = (key: string) => ({
    kind: 'set_callback_auth' as const,
    domain: 'd',
    auth: { enabled: true, key: new SecretText(key) },
  });

  it('is told apart from one with another key, and shows neither', () => {
    expect(stepFingerprint(step('keykeykeykeykey1'))).toBe(stepFingerprint(step('keykeykeykeykey1')));
    expect(stepFingerprint(step('keykeykeykeykey1'))).not.toBe(stepFingerprint(step('keykeykeykeykey2')));
    const shown = `${JSON.stringify(step('keykeykeykeykey1'))} ${inspect(step('keykeykeykeykey1'), { depth: 9 })} ${step('keykeykeykeykey1').auth.key}`;
    expect(shown).not.toContain('keykeykey');
    expect(shown).toContain('[hidden]');
  });
});

describe('what restore puts back', () => {
  const none = { enabled: false, key: null };
  const actual = {
    domain: 'd',
    configs: [{ domain: 'd', app: 'live', ...CONFIG }],
    callbackAuth: { enabled: true, key: new SecretText('ours') },
    pushNotify: null,
    snapshotNotify: null,
  };
  const baseline = { domain: 'd', rememberedAt: 0, kind: 'config' as const, app: 'live' };

  it('is nothing where all stands as before', () => {
    expect(planRestore([{ ...baseline, former: CONFIG }], actual)).toEqual([]);
  });

  it('is a deletion where nothing stood, unless callbacks alone go back', () => {
    expect(planRestore([{ ...baseline, former: null }], actual)).toMatchObject([{ kind: 'delete_config' }]);
    expect(planRestore([{ ...baseline, former: null }], actual, 'callbacks')).toMatchObject([
      { kind: 'update_config', change: { callback: null } },
    ]);
  });

  it('is an addition where the config is gone', () => {
    expect(planRestore([{ ...baseline, app: 'gone', former: CONFIG }], actual)).toMatchObject([{ kind: 'add_config' }]);
  });

  it('takes the key away where none stood, and sets a former one that signed nothing', () => {
    const auth = { domain: 'd', rememberedAt: 0, kind: 'callback_auth' as const, app: null };
    expect(planRestore([{ ...auth, former: none }], actual)).toEqual([{ kind: 'delete_callback_auth', domain: 'd' }]);
    const former = { enabled: false, key: new SecretText('theirs') };
    expect(planRestore([{ ...auth, former }], actual)).toEqual([
      { kind: 'set_callback_auth', domain: 'd', auth: former },
    ]);
  });
});

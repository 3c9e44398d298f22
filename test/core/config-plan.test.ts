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
  const ours = { enabled: true, key: new SecretText('ours') };
  const actual = {
    configs: [{ domain: 'd', app: 'live', ...CONFIG }],
    callbackAuth: ours,
    pushNotifies: new Map([
      ['push.old', { url: 'https://ours.example.com/', auth: ours }],
      ['push.new', { url: null, auth: none }],
    ]),
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

  it('is nothing at all of a config that is gone where callbacks alone go back, unless a restore was adding it again', () => {
    const gone = { ...baseline, app: 'gone', former: CONFIG };
    expect(planRestore([gone], actual, 'callbacks')).toEqual([]);
    const addingAgain = { ...CONFIG, callback: null };
    expect(planRestore([{ ...gone, addingAgain }], actual, 'callbacks')).toEqual([
      { kind: 'add_config', domain: 'd', app: 'gone', config: addingAgain },
    ]);
  });

  it('is no callback that went back before, but the rest still', () => {
    const former = { ...CONFIG, intervalSeconds: 30, callback: null };
    const given = { ...baseline, former, isGivenBack: true };
    expect(planRestore([given], actual, 'callbacks')).toEqual([]);
    expect(planRestore([given], actual)).toMatchObject([{ kind: 'update_config', change: { intervalSeconds: 30 } }]);
  });

  it('is the push URL of the ingest domain where it stood', () => {
    const push = {
      domain: 'd',
      rememberedAt: 0,
      kind: 'push_notify' as const,
      app: null,
      former: { url: null, auth: none },
    };
    expect(
      planRestore(
        [
          { ...push, pushDomain: 'push.old' },
          { ...push, pushDomain: 'push.new' },
        ],
        actual,
      ),
    ).toMatchObject([{ kind: 'set_push_notify', pushDomain: 'push.old', notify: { url: null } }]);
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

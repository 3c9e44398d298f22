import { describe, expect, it } from 'vitest';
import { agreedSteps } from '../../src/core/agreed-steps.ts';
import type { PlanStep } from '../../src/core/config-plan.ts';
import { SecretText } from '../../src/core/secret-text.ts';

const CONFIG = {
  intervalSeconds: 10,
  bucket: 'b',
  endpoint: 'e',
  sequenceObject: '{Sequence}.jpg',
  overwriteObject: null,
  callback: 'https://ours.example.com/',
};
const OURS = { domain: 'd', app: 'live' };
const update = (change: Partial<typeof CONFIG>, app = 'live'): PlanStep => ({
  kind: 'update_config',
  domain: 'd',
  app,
  change,
  config: CONFIG,
});
const add = (config: typeof CONFIG = CONFIG): PlanStep => ({ kind: 'add_config', ...OURS, config });
const key = (text: string): PlanStep => ({
  kind: 'set_callback_auth',
  domain: 'd',
  auth: { enabled: true, key: new SecretText(text) },
});

describe('the consent to steps', () => {
  it('holds for the steps that were shown, with the very keys', () => {
    const agreed = agreedSteps([update({ intervalSeconds: 10 }), key('keykeykeykeykey1')]);
    for (const step of [update({ intervalSeconds: 10 }), key('keykeykeykeykey1')]) {
      expect(agreed.includes(step)).toBe(true);
      expect(agreed.cover(step)).toBe(true);
    }
    expect(agreed.cover(key('keykeykeykeykey2'))).toBe(false);
  });

  it('covers what finishes an Add that was overtaken, or an Update of a config that was deleted', () => {
    expect(agreedSteps([add()]).cover(update({ intervalSeconds: 10, bucket: 'b' }))).toBe(true);
    expect(agreedSteps([update({ intervalSeconds: 10 })]).cover(add())).toBe(true);
    expect(agreedSteps([update({ intervalSeconds: 10, bucket: 'b' })]).cover(update({ bucket: 'b' }))).toBe(true);
  });

  it.each([
    ['another subject', update({ intervalSeconds: 10 }, 'other')],
    ['another field', update({ intervalSeconds: 10, bucket: 'b' })],
    ['another value', update({ intervalSeconds: 20 })],
    ['another config', add({ ...CONFIG, bucket: 'c' })],
    ['a deletion', { kind: 'delete_config', ...OURS } satisfies PlanStep],
  ])('covers not %s', (_, step) => {
    expect(agreedSteps([update({ intervalSeconds: 10 })]).cover(step)).toBe(false);
  });
});

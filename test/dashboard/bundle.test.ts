import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleClient, type ClientBundle } from '../../src/dashboard/bundle-client.ts';

const ALL_STYLES = readFileSync(createRequire(import.meta.url).resolve('@mantine/core/styles.css'), 'utf8');
const classes = (text: string) => new Set(text.match(/\bm_[0-9a-f]{6,8}\b/g));

describe('the bundle of the browser code', () => {
  let bundle: ClientBundle;
  beforeAll(async () => {
    bundle = await bundleClient();
  }, 120_000);

  const textOf = (name: string) => bundle.assets.get(name)!.body.toString();

  it('has the styles of every component that it has the code of', () => {
    const used = classes(
      [...bundle.assets.keys()]
        .filter((name) => name.endsWith('.js'))
        .map(textOf)
        .join('\n'),
    );
    const known = classes(ALL_STYLES);
    const wanted = [...used].filter((name) => known.has(name));
    expect(wanted.length).toBeGreaterThan(50);
    const styled = classes(bundle.styles.map(textOf).join('\n'));
    expect(wanted.filter((name) => !styled.has(name))).toEqual([]);
  });

  it('leaves charts and dialogs to the pages that need them', () => {
    const first = [bundle.early, bundle.script, ...bundle.preloads].map(textOf);
    expect(first.join('').length).toBeLessThan(700_000);
    expect(first.some((text) => text.includes('echarts'))).toBe(false);
    expect(textOf(bundle.early).length).toBeLessThan(1_000);
  });
});

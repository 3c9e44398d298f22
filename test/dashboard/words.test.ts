import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from '../../src/dashboard/client/words/en.ts';
import { enTerms } from '../../src/dashboard/client/words/en-terms.ts';

const CLIENT = path.join(import.meta.dirname, '../../src/dashboard/client');
const source = globSync('**/*.{ts,tsx}', { cwd: CLIENT })
  .filter((file) => !file.startsWith('words/'))
  .map((file) => readFileSync(path.join(CLIENT, file), 'utf8'))
  .join('\n');
const says = (pattern: string) => new RegExp(pattern).test(source);

describe('the words of the pages', () => {
  it('are all in use', () => {
    const unused = Object.entries(en).flatMap(([group, words]) => {
      if (typeof words === 'string') return says(`\\.${group}\\b`) ? [] : [group];
      // A closed list, or a group whose key is computed, is there as a whole: the compiler holds what it must have.
      if (group in enTerms || says(`\\bwords\\.${group}\\[`)) return says(`\\bwords\\.${group}\\b`) ? [] : [group];
      // Some parts are handed a whole group.
      const whole = says(`\\bwords\\.${group}\\b(?![.[])`);
      return Object.keys(words)
        .filter((key) => !says(`\\b${group}\\.${key}\\b`) && !(whole && says(`\\b(?:words|units)\\.${key}\\b`)))
        .map((key) => `${group}.${key}`);
    });
    expect(unused).toEqual([]);
  });
});

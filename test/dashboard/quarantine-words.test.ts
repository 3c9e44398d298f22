import { describe, expect, it } from 'vitest';
import { outcomeWord, reasonWord } from '../../src/dashboard/client/parts/quarantine-words.ts';
import { en } from '../../src/dashboard/client/words/en.ts';
import { zh } from '../../src/dashboard/client/words/zh.ts';

describe('the words of the quarantine', () => {
  it('name the reason and the outcome in the language of the viewer', () => {
    expect(reasonWord('signature-mismatch', en)).toBe('signature does not match');
    expect(reasonWord('signature-mismatch', zh)).toBe('签名不匹配');
    expect(outcomeWord('stored', zh)).toBe('已存入');
    expect(outcomeWord('dropped', en)).toBe('dropped');
    expect(outcomeWord('still-missing-domain', zh)).toBe('已重试：缺少域名');
  });

  it('show what no list holds as it came', () => {
    expect(reasonWord('not-storable-22p05', zh)).toBe('not-storable-22p05');
    expect(reasonWord('constructor', en)).toBe('constructor');
    expect(outcomeWord('canary', en)).toBe('canary');
    expect(outcomeWord('still-not-storable-22p05', en)).toBe('tried again: not-storable-22p05');
  });
});

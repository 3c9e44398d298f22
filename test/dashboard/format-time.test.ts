import { describe, expect, it } from 'vitest';
import { formatTime } from '../../src/dashboard/client/parts/format-time.ts';

describe('a time', () => {
  it('shows its year where that is not this one', () => {
    const year = new Date().getFullYear();
    expect(formatTime(new Date(year, 0, 5, 12).getTime(), 'full', 'en')).not.toContain(String(year));
    expect(formatTime(new Date(year - 1, 11, 5, 12).getTime(), 'full', 'en')).toContain(String(year - 1));
    expect(formatTime(new Date(year - 1, 11, 5, 12).getTime(), 'minute', 'zh-CN')).toContain(`${year - 1}年`);
    expect(formatTime(new Date(year - 1, 11, 5, 12).getTime(), 'time', 'en')).not.toContain(String(year - 1));
  });
});

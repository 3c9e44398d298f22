import { describe, expect, it } from 'vitest';
import type { SpoolLook } from '../../src/ports.ts';
import { checkSpool } from '../../src/usecases/doctor-spool.ts';

const NOW = 1_000_000;
const EMPTY: SpoolLook = { left: { entries: 0, oldestAt: null }, held: 0, damaged: [] };

function check(look: Partial<SpoolLook>, told?: { entries: number; oldestAgeSeconds: number }) {
  return checkSpool({
    look: () => ({ ...EMPTY, ...look }),
    ask: async () => {
      if (!told) throw new TypeError('fetch failed');
      return told;
    },
    url: 'http://127.0.0.1:8080',
    now: NOW,
  });
}

describe('doctor on the spool', () => {
  it('is content with an empty one, be it held by a service or not', async () => {
    expect(await check({})).toEqual([{ check: 'spool', status: 'ok', detail: 'empty', remedy: null }]);
    expect(await check({ held: 1 }, { entries: 0, oldestAgeSeconds: 0 })).toMatchObject([{ status: 'ok' }]);
  });

  it('tells depth and age of what a service that ended has left', async () => {
    const [line] = await check({ left: { entries: 3, oldestAt: NOW - 90_000 } });
    expect(line).toMatchObject({ status: 'warn', detail: '3 items wait, the oldest for 90 s' });
    expect(line!.remedy).toContain('snapaudit serve');
  });

  it('asks the service that holds it, and says so where none answers', async () => {
    expect(await check({ held: 1 }, { entries: 1, oldestAgeSeconds: 12.4 })).toMatchObject([
      { status: 'warn', detail: '1 item waits, the oldest for 12 s' },
    ]);
    expect(await check({ held: 1 })).toMatchObject([
      { status: 'warn', detail: 'a running service holds it, and none answers at http://127.0.0.1:8080' },
    ]);
  });

  it('fails on a damaged file, and still tells of the others', async () => {
    const lines = await check({ damaged: ['/data/spool.sqlite'] });
    expect(lines.map(({ status }) => status)).toEqual(['fail', 'ok']);
    expect(lines[0]!.detail).toContain('/data/spool.sqlite is damaged');
  });
});

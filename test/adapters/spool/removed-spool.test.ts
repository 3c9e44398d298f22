import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { tryOpen } from '../../../src/adapters/spool/spool-file.ts';
import { openSpool } from '../../../src/adapters/spool/sqlite-spool.ts';

/** Called before each removal. */
let beforeRemoval: (file: string) => void = () => {};
vi.mock('node:fs', async (importActual) => {
  const actual = await importActual<typeof import('node:fs')>();
  const remove: typeof rmSync = (file, options) => {
    beforeRemoval(String(file));
    actual.rmSync(file, options);
  };
  return { ...actual, rmSync: remove };
});

it('the file of another receiver that was taken over is held until it is removed: nobody writes into what is about to go', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
  const open = () => openSpool({ directory, maxBytes: 1024 ** 2, now: () => 1_000 });
  const first = open();
  const second = open();
  second.append([{ kind: 'capture', payload: 'left behind', again: false }]);
  second.close();
  const opened: string[] = [];
  beforeRemoval = (file) => {
    const db = /\.sqlite$/.test(file) ? tryOpen(file) : null;
    if (db === null) return;
    opened.push(file);
    db.close();
  };
  try {
    first.absorb();
    expect(opened).toEqual([]);
    expect(first.read(10).map(({ payload }) => payload)).toEqual(['left behind']);
    expect(readdirSync(directory).filter((name) => name.startsWith('spool-'))).toEqual([]);
  } finally {
    beforeRemoval = () => {};
    first.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSpool } from '../../../src/adapters/spool/sqlite-spool.ts';
import type { Spool } from '../../../src/ports.ts';

let directory: string;
const opened: Spool[] = [];
const damaged: string[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
});
afterEach(() => {
  for (const spool of opened.splice(0)) spool.close();
  damaged.splice(0);
  rmSync(directory, { recursive: true, force: true });
});

function open(): Spool {
  const spool = openSpool({
    directory,
    maxBytes: 64 * 1024 ** 2,
    now: () => 1_000,
    onDamaged: (file) => damaged.push(path.basename(file)),
  });
  opened.push(spool);
  return spool;
}

const entries = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    kind: 'capture' as const,
    payload: `${index} ${'x'.repeat(900)}`,
    again: false,
  }));

/** Two pages in the middle, as a disk that fails leaves them. */
function damageMiddleOf(name: string): void {
  const file = path.join(directory, name);
  const middle = Math.floor(statSync(file).size / 2 / 4096) * 4096;
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(8192, 0xab), 0, 8192, middle);
  closeSync(descriptor);
}

/** All but the head of a file that is open. */
function damageAllOf(name: string): void {
  const file = path.join(directory, name);
  const descriptor = openSync(file, 'r+');
  for (let offset = 4096; offset < statSync(file).size; offset += 4096) {
    writeSync(descriptor, Buffer.alloc(4096, 7), 0, 4096, offset);
  }
  closeSync(descriptor);
}

function closeLast(): void {
  opened.pop()!.close();
}

describe('a spool file that is damaged in the middle', () => {
  it('is taken over as far as it is whole when another receiver left it, once, and told of', () => {
    const ours = open();
    open().append(entries(3_000));
    closeLast();
    damageMiddleOf('spool-1.sqlite');
    while (ours.absorb()) {}
    const taken = ours.depth().entries;
    expect(taken).toBeGreaterThanOrEqual(500);
    expect(ours.absorb()).toBe(false);
    expect(ours.depth().entries).toBe(taken);
    expect(damaged).toEqual(['spool-1.sqlite']);
    expect(readdirSync(directory)).toContain('spool-1.sqlite');
  });

  it('is left by the receiver that finds the damage, so that what comes from now on is kept where it can be read', () => {
    const spool = open();
    spool.append(entries(20_000));
    const [first] = spool.read(1);
    for (const name of ['spool.sqlite', 'spool.sqlite-wal']) damageAllOf(name);
    expect(() => spool.read(20_000)).toThrow('malformed');
    spool.append([{ kind: 'capture', payload: 'after the damage', again: false }]);
    // Meant for an entry of the file that was left.
    spool.removeThrough(first!.id);
    expect(spool.depth().entries).toBe(1);
    expect(spool.read(10).map(({ payload }) => payload)).toEqual(['after the damage']);
    while (spool.absorb()) {}
    expect(damaged).toContain('spool.sqlite');
  });

  it('does not keep the receiver that it belongs to from starting with another one', () => {
    open().append(entries(3_000));
    closeLast();
    damageMiddleOf('spool.sqlite');
    const spool = open();
    expect(spool.depth().entries).toBeGreaterThanOrEqual(500);
    expect(damaged).toEqual(['spool.sqlite']);
    spool.append(entries(1));
  });
});

describe('a large spool file that another receiver left', () => {
  it('is taken over bit by bit, so that callbacks are answered meanwhile', () => {
    const ours = open();
    const other = open();
    other.append(entries(1_200));
    other.noteAlive({ receiverId: 'r', fromAt: 1, toAt: 2, host: 'h' });
    closeLast();
    expect(ours.absorb()).toBe(true);
    expect(ours.depth().entries).toBe(500);
    expect(ours.absorb()).toBe(true);
    expect(ours.absorb()).toBe(false);
    expect(ours.read(5_000).map(({ payload }) => payload)).toEqual(entries(1_200).map(({ payload }) => payload));
    expect(ours.aliveNotes()).toHaveLength(1);
    expect(readdirSync(directory).filter((name) => name.startsWith('spool-1.'))).toEqual([]);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasSpool, lookAtSpool } from '../../../src/adapters/spool/look-at-spool.ts';
import { openSpool, SpoolFullError } from '../../../src/adapters/spool/sqlite-spool.ts';
import type { Spool, SpoolEntry } from '../../../src/ports.ts';
import { CANNOT_MOUNT, mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts';

let directory: string;
let now: number;
const opened: Spool[] = [];
beforeEach(() => {
  now = 1_000;
  directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-spool-'));
});
afterEach(() => {
  for (const spool of opened.splice(0)) spool.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(maxBytes = 1024 ** 2): Spool {
  const spool = openSpool({ directory, maxBytes, now: () => now });
  opened.push(spool);
  return spool;
}
const entry = (payload: string) => ({ kind: 'capture' as const, payload, again: false });
const forward = (payload: string) => ({ kind: 'forward' as const, payload, again: false });
const payloads = (entries: SpoolEntry[]) => entries.map(({ payload }) => payload);

describe('the spool', () => {
  it('gives back what was put in, oldest first, until it is removed', () => {
    const spool = open();
    spool.append([entry('a'), { kind: 'signal', payload: 'ä\u0000', again: true }]);
    now = 2_000;
    spool.append([entry('c')]);
    const all = spool.read(10);
    expect(all.map(({ payload, again }) => [payload, again])).toEqual([
      ['a', false],
      ['ä\u0000', true],
      ['c', false],
    ]);
    expect(spool.depth()).toMatchObject({ entries: 3, oldestAt: 1_000 });
    spool.markTriedThrough(all[1]!.id);
    expect(spool.read(10).map(({ again }) => again)).toEqual([true, true, false]);
    spool.removeThrough(all[1]!.id);
    expect(spool.read(10).map(({ payload }) => payload)).toEqual(['c']);
    expect(spool.depth()).toMatchObject({ entries: 1, oldestAt: 2_000 });
  });

  it('lets go of the others and keeps the forwards, in their order, also for who opens it next', () => {
    const spool = open();
    spool.append([forward('f1'), entry('a'), forward('f2')]);
    now = 2_000;
    spool.append([entry('b'), forward('f3')]);
    expect(spool.removeOthersThrough(spool.read(3).at(-1)!.id)).toBe(1);
    expect(payloads(spool.readOn(10))).toEqual(['b', 'f3']);
    expect(payloads(spool.read(10))).toEqual(['f1', 'f2', 'b', 'f3']);
    expect(spool.removeOthersThrough(spool.readOn(10).at(-1)!.id)).toBe(1);
    expect(spool.readOn(10)).toEqual([]);
    expect(spool.depth()).toMatchObject({ entries: 3, oldestAt: 1_000 });
    spool.append([entry('c')]);
    expect(payloads(spool.readOn(10))).toEqual(['c']);
    opened.pop()!.close();

    const next = open();
    expect(payloads(next.read(10))).toEqual(['f1', 'f2', 'f3', 'c']);
    next.removeThrough(next.read(2).at(-1)!.id);
    expect(payloads(next.read(10))).toEqual(['f3', 'c']);
    expect(next.depth()).toMatchObject({ entries: 2, oldestAt: 2_000 });
  });

  it('says that it is full, keeps what it has, and takes more when there is room again', () => {
    const spool = open(256 * 1024);
    let kept = 0;
    const fill = () => {
      for (;;) {
        spool.append([entry('x'.repeat(1_000))]);
        kept++;
      }
    };
    expect(fill).toThrow(SpoolFullError);
    expect(kept).toBeGreaterThan(100);
    expect(spool.depth()).toMatchObject({ entries: kept });
    expect(() => spool.noteAlive({ receiverId: 'r', fromAt: 1, toAt: 2, host: 'h' })).toThrow(SpoolFullError);
    spool.removeThrough(spool.read(50).at(-1)!.id);
    spool.append([entry('y')]);
    spool.noteAlive({ receiverId: 'r', fromAt: 1, toAt: 2, host: 'h' });
    expect(spool.depth()).toMatchObject({ entries: kept - 50 + 1 });
  });

  it('gives a second receiver on the machine a file of its own, and hands a file on when its holder is gone', () => {
    const first = open();
    first.append([entry('of the first')]);
    const second = open();
    second.append([entry('of the second')]);
    expect(readdirSync(directory).filter((name) => name.endsWith('.sqlite'))).toHaveLength(2);
    opened.shift()!.close();
    const third = open();
    expect(third.read(10).map(({ payload }) => payload)).toEqual(['of the first']);
    expect(second.read(10).map(({ payload }) => payload)).toEqual(['of the second']);
  });

  it('passes a damaged file over, says so, and leaves it for people', () => {
    const file = path.join(directory, 'spool.sqlite');
    const other = path.join(directory, 'spool-7.sqlite');
    for (const each of [file, other]) writeFileSync(each, 'this is no database'.repeat(500));
    const damaged: string[] = [];
    const spool = openSpool({
      directory,
      maxBytes: 1024 ** 2,
      now: () => now,
      onDamaged: (name) => damaged.push(name),
    });
    opened.push(spool);
    spool.append([entry('a')]);
    expect(damaged.sort()).toEqual([other, file]);
    expect(readFileSync(file, 'utf8')).toContain('this is no database');
  });

  it('can be looked at from outside: what is left, what a receiver holds, what is damaged', () => {
    expect(hasSpool(path.join(directory, 'nothing'))).toBe(false);
    const running = open();
    const left = open();
    now = 5_000;
    left.append([entry('a'), entry('b')]);
    running.append([entry('c')]);
    expect(lookAtSpool(directory)).toMatchObject({ held: 2, left: { entries: 0 } });
    opened.pop()!.close();
    writeFileSync(path.join(directory, 'spool-2.sqlite'), 'this is no database'.repeat(500));
    const look = lookAtSpool(directory);
    expect(look).toEqual({
      held: 1,
      left: { entries: 2, oldestAt: 5_000 },
      damaged: [path.join(directory, 'spool-2.sqlite')],
    });
    expect(hasSpool(directory)).toBe(true);
  });

  it('says what to do where it cannot write', () => {
    const file = path.join(directory, 'file');
    writeFileSync(file, '');
    expect(() => openSpool({ directory: path.join(file, 'x'), maxBytes: 1024 ** 2, now: () => now })).toThrow();
    mkdirSync(path.join(directory, 'taken', 'spool.sqlite'), { recursive: true });
    expect(() => openSpool({ directory: path.join(directory, 'taken'), maxBytes: 1024 ** 2, now: () => now })).toThrow(
      'make its directory writable',
    );
  });

  it('takes over what a receiver left that is gone for good', () => {
    const first = open();
    const second = open();
    second.append([entry('left behind'), { ...entry('tried'), again: true }]);
    second.noteAlive({ receiverId: 'r', fromAt: 1, toAt: 2, host: 'h' });
    first.append([entry('of the first')]);
    for (const spool of opened.splice(0)) spool.close();
    const third = open();
    expect(third.read(10).map(({ payload, again }) => [payload, again])).toEqual([
      ['of the first', false],
      ['left behind', false],
      ['tried', true],
    ]);
    expect(third.depth().entries).toBe(3);
    expect(third.aliveNotes()).toHaveLength(1);
    expect(readdirSync(directory).filter((name) => name.startsWith('spool-'))).toEqual([]);
  });

  it('takes over, while it is running, what another one leaves', () => {
    const first = open();
    const second = open();
    second.append([entry('left behind')]);
    first.absorb();
    expect(first.read(10)).toEqual([]);
    opened.pop()!.close();
    first.absorb();
    expect(first.read(10).map(({ payload }) => payload)).toEqual(['left behind']);
    expect(first.depth().entries).toBe(1);
    expect(readdirSync(directory).filter((name) => name.startsWith('spool-'))).toEqual([]);
  });

  it('keeps the latest note that a receiver was alive', () => {
    const spool = open();
    const beat = { receiverId: 'r', fromAt: 1_000, toAt: 2_000, host: 'h' };
    spool.noteAlive(beat);
    spool.noteAlive({ ...beat, toAt: 3_000 });
    const notes = spool.aliveNotes();
    expect(notes).toEqual([{ ...beat, toAt: 3_000 }]);
    spool.noteAlive({ ...beat, toAt: 4_000 });
    spool.forgetAliveNotes(notes);
    expect(spool.aliveNotes()).toEqual([{ ...beat, toAt: 4_000 }]);
    expect(spool.depth().entries).toBe(0);
  });
});

describe.skipIf(CANNOT_MOUNT)('the spool on a disk that is full', () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = mountSmallDisk(1_024)!;
  });
  afterEach(() => {
    for (const spool of opened.splice(0)) spool.close();
    disk.remove();
  });

  it('says so, gives all of it to the database though no deletion can be noted, and makes room by starting anew', () => {
    const spool = openSpool({ directory: path.join(disk.directory, 'spool'), maxBytes: 1024 ** 3, now: () => now });
    opened.push(spool);
    const beat = { receiverId: 'r', fromAt: 1, toAt: 2, host: 'h' };
    spool.noteAlive(beat);
    let kept = 0;
    const fill = () => {
      for (;;) {
        spool.append([entry(`${kept} ${'x'.repeat(1_000)}`)]);
        kept++;
      }
    };
    expect(fill).toThrow(SpoolFullError);
    expect(kept).toBeGreaterThan(50);
    // Somebody else takes the last bytes: now even a deletion has no room for its journal.
    const filler = path.join(disk.directory, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(1024 ** 2))).toThrow('ENOSPC');

    const given: string[] = [];
    for (let left = kept; left > 0; ) {
      const batch = spool.read(20);
      given.push(...batch.map(({ payload }) => payload.split(' ')[0]!));
      spool.markTriedThrough(batch.at(-1)!.id);
      spool.removeThrough(batch.at(-1)!.id);
      left -= batch.length;
      expect(spool.depth().entries).toBe(left);
    }
    expect(given).toEqual(Array.from({ length: kept }, (_, index) => String(index)));
    expect(spool.read(10)).toEqual([]);
    spool.append(Array.from({ length: 20 }, () => entry('y'.repeat(1_000))));
    expect(spool.read(50)).toHaveLength(20);
    expect(spool.aliveNotes()).toEqual([beat]);
  });

  it('gives nothing twice, though it cannot note that all but the forwards may go', () => {
    const spool = openSpool({ directory: path.join(disk.directory, 'spool'), maxBytes: 1024 ** 3, now: () => now });
    opened.push(spool);
    let kept = 0;
    const fill = () => {
      for (;;) {
        spool.append([(kept % 2 === 0 ? entry : forward)(`${kept} ${'x'.repeat(1_000)}`)]);
        kept++;
      }
    };
    expect(fill).toThrow(SpoolFullError);
    expect(() => writeFileSync(path.join(disk.directory, 'filler'), Buffer.alloc(1024 ** 2))).toThrow('ENOSPC');

    const others = Math.ceil(kept / 2);
    expect(spool.removeOthersThrough(spool.read(kept).at(-1)!.id)).toBe(others);
    expect(spool.depth().entries).toBe(kept - others);
    const left = spool.read(kept);
    expect(left.map(({ kind }) => kind)).toEqual(Array(kept - others).fill('forward'));
    spool.removeThrough(left.at(-1)!.id);
    expect(spool.depth().entries).toBe(0);
    spool.append([entry('y')]);
    expect(payloads(spool.read(10))).toEqual(['y']);
  });
});

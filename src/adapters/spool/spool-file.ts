import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Heartbeat, SpoolEntry, SpoolKind } from '../../ports.ts';

const PAGE_BYTES = 4096;
/** Files tried in turn: several receivers on one machine have one each. */
const MAX_FILES = 16;
export const FILE_NAME = /^spool(-\d+)?\.sqlite$/;

const ROOM = ' '.repeat(2 * PAGE_BYTES);

const SCHEMA = `
  create table if not exists entries (
    id integer primary key autoincrement,
    at integer not null,
    kind text not null,
    payload text not null,
    again integer not null
  ) strict;
  create table if not exists alive (
    receiver_id text not null,
    from_at integer not null,
    to_at integer not null,
    host text not null,
    primary key (receiver_id, from_at)
  ) strict, without rowid;
`;

/** What of a file is in the database, whatever of it is still there. */
export interface Bounds {
  /** Nothing up to this id is needed any more. */
  removedThrough: number;
  /** Of what comes up to this one only the forwards are needed. */
  forwardsThrough: number;
}

export const ALL: Bounds = { removedThrough: 0, forwardsThrough: 0 };

/** One spool file: its tables and the statements on them. */
export function prepareSpoolFile({ db, path: file }: { db: DatabaseSync; path: string }, maxBytes: number) {
  db.exec(SCHEMA);
  db.exec(`pragma max_page_count = ${Math.max(16, Math.floor(maxBytes / PAGE_BYTES))}`);
  const insert = db.prepare('insert into entries (at, kind, payload, again) values (?, ?, ?, ?)');
  const removeLast = db.prepare('delete from entries where id = last_insert_rowid()');
  // Of entries up to the second bound only forwards are wanted.
  const wanted = "id > ? and (kind = 'forward' or id > ?)";
  const read = db.prepare(`select id, kind, payload, again from entries where ${wanted} order by id limit ?`);
  const oldest = db.prepare(`select at from entries where ${wanted} order by id limit 1`);
  const count = db.prepare(`select count(*) as entries from entries where ${wanted} and id <= ?`);
  const countOthers = db.prepare(
    "select count(*) as entries from entries where id > ? and id <= ? and kind <> 'forward'",
  );
  const markTried = db.prepare('update entries set again = 1 where id > ? and id <= ? and again = 0');
  const remove = db.prepare('delete from entries where id <= ?');
  const removeOthers = db.prepare("delete from entries where id > ? and id <= ? and kind <> 'forward'");
  const pages = db.prepare(
    'select page_count - freelist_count as used from pragma_page_count(), pragma_freelist_count()',
  );
  const note = db.prepare(
    `insert into alive (receiver_id, from_at, to_at, host) values (?, ?, ?, ?)
     on conflict (receiver_id, from_at) do update set to_at = max(to_at, excluded.to_at)`,
  );
  const notes = db.prepare('select receiver_id, from_at, to_at, host from alive order by from_at');
  const forget = db.prepare('delete from alive where receiver_id = ? and from_at = ? and to_at <= ?');
  return {
    db,
    path: file,
    insert: (at: number, kind: SpoolKind, payload: string, again: boolean) => {
      insert.run(at, kind, payload, again ? 1 : 0);
    },
    proveRoom: (at: number) => {
      insert.run(at, 'capture', ROOM, 0);
      removeLast.run();
    },
    read: (bounds: Bounds, limit: number) =>
      read.all(bounds.removedThrough, bounds.forwardsThrough, limit).map(
        (row): SpoolEntry => ({
          id: row.id as number,
          kind: row.kind as SpoolKind,
          payload: row.payload as string,
          again: row.again === 1,
        }),
      ),
    oldestAt: (bounds: Bounds) =>
      (oldest.get(bounds.removedThrough, bounds.forwardsThrough) as { at: number } | undefined)?.at ?? null,
    countThrough: (bounds: Bounds, id: number) =>
      (count.get(bounds.removedThrough, bounds.forwardsThrough, id) as { entries: number }).entries,
    countOthers: (afterId: number, throughId: number) =>
      (countOthers.get(afterId, throughId) as { entries: number }).entries,
    markTried: (afterId: number, throughId: number) => {
      markTried.run(afterId, throughId);
    },
    remove: (id: number) => {
      remove.run(id);
    },
    removeOthers: (afterId: number, throughId: number) => {
      removeOthers.run(afterId, throughId);
    },
    usedBytes: () => (pages.get() as { used: number }).used * PAGE_BYTES,
    note: (beat: Heartbeat) => {
      note.run(beat.receiverId, beat.fromAt, beat.toAt, beat.host);
    },
    notes: () =>
      notes.all().map(
        (row): Heartbeat => ({
          receiverId: row.receiver_id as string,
          fromAt: row.from_at as number,
          toAt: row.to_at as number,
          host: row.host as string,
        }),
      ),
    forget: (beat: Heartbeat) => {
      forget.run(beat.receiverId, beat.fromAt, beat.toAt);
    },
  };
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Another process holds the file. */
export function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY;
}

/** It is no database any more. */
export function isDamage(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

/** `passedOver`: files that showed damage when they were read. */
export function openFirstFree(directory: string, passedOver: ReadonlySet<string>): { db: DatabaseSync; path: string } {
  for (let number = 0; number < MAX_FILES; number++) {
    const file = path.join(directory, number === 0 ? 'spool.sqlite' : `spool-${number}.sqlite`);
    const db = passedOver.has(file) ? null : tryOpen(file);
    if (db !== null) return { db, path: file };
  }
  throw new Error(
    `None of the ${MAX_FILES} spool files in ${directory} can be used: other processes hold them, or they are damaged.`,
  );
}

/** Null where another process holds the file, or where it is damaged. */
export function tryOpen(file: string, onDamaged?: (file: string) => void): DatabaseSync | null {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file);
    // Held until the process ends, however it ends: the file of a living receiver cannot be opened by another.
    db.exec(`pragma locking_mode = exclusive; pragma page_size = ${PAGE_BYTES}; pragma journal_mode = wal`);
    db.exec('pragma synchronous = full; begin immediate; commit');
    if (existsSync(file)) return db;
    // Removed by who held it, between our opening it and our lock.
    db.close();
    return null;
  } catch (error) {
    db?.close();
    if (isBusy(error)) return null;
    if (isDamage(error)) {
      // Left where it is, for people: it may hold callbacks that we said were kept.
      onDamaged?.(file);
      return null;
    }
    throw new Error(
      `The spool ${file} cannot be opened (${(error as Error).message}): make its directory writable for this user.`,
      { cause: error },
    );
  }
}

/**
 * Removes a file that is held: whoever opened it between its closing and its removal would write into one that is nowhere. Its log goes
 * first, for who finds no file makes one with a log of its own.
 */
export function removeHeld({ db, path: file }: { db: DatabaseSync; path: string }): void {
  for (const part of [`${file}-wal`, `${file}-shm`, file]) rmSync(part, { force: true });
  db.close();
}

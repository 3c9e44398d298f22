import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Heartbeat, Spool, SpoolEntry, SpoolKind } from '../../ports.ts';

/** The spool holds as much as it may, or the disk has no room for more. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

const PAGE_BYTES = 4096;
const SQLITE_FULL = 13;
/** Files tried in turn: several receivers on one machine have one each. */
const MAX_FILES = 16;

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

/**
 * The spool of one receiver, in the first file of the directory that no living process holds; a file that a crashed one left behind
 * is taken over with what is in it. Write-ahead log with synchronous=FULL: durable when `append` returns.
 */
export function openSpool(options: {
  directory: string;
  maxBytes: number;
  now: () => number;
  /** A file that is no database any more was passed over. */
  onDamaged?: (file: string) => void;
}): Spool {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const open = () => prepare(openFirstFree(options.directory, options.onDamaged ?? (() => {})), options.maxBytes);
  let file = open();
  // Counted once: a spool of millions would take its time on every look.
  let count = file.countBetween(0, Number.MAX_SAFE_INTEGER);
  /** What is in the database, though there was no room on the disk to note its removal. */
  let removedThrough = 0;

  function inTransaction(work: () => void): void {
    const { db } = file;
    db.exec('begin immediate');
    try {
      work();
      db.exec('commit');
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      if ((error as { errcode?: number }).errcode !== SQLITE_FULL) throw error;
      throw new SpoolFullError(
        `The spool in ${options.directory} takes no more: it holds the ${options.maxBytes} bytes that it may, or its disk is full.`,
        { cause: error },
      );
    }
  }

  /** True where it was done; false where the disk has no room, which even a deletion needs. */
  function tryTransaction(work: () => void): boolean {
    try {
      inTransaction(work);
      return true;
    } catch (error) {
      if (error instanceof SpoolFullError) return false;
      throw error;
    }
  }

  /** On a full disk the way to make room: nothing in the file is needed any more but the notes. */
  function startAnew(): void {
    const notes = file.notes();
    const { path: used } = file;
    file.db.close();
    for (const name of [used, `${used}-wal`, `${used}-shm`]) rmSync(name, { force: true });
    file = open();
    removedThrough = 0;
    count = file.countBetween(0, Number.MAX_SAFE_INTEGER);
    inTransaction(() => notes.forEach(file.note));
  }

  return {
    append(entries) {
      const at = options.now();
      inTransaction(() => {
        for (const { kind, payload, again } of entries) file.insert(at, kind, payload, again);
      });
      count += entries.length;
    },
    read: (limit) => file.read(removedThrough, limit),
    markTriedThrough(id) {
      // Without room for the mark only this is lost: a crash before the removal would count these deliveries twice.
      tryTransaction(() => file.markTried(id));
    },
    removeThrough(id) {
      count -= file.countBetween(removedThrough, id);
      removedThrough = Math.max(removedThrough, id);
      const isRemoved = tryTransaction(() => file.remove(removedThrough));
      if (!isRemoved && count === 0) startAnew();
    },
    depth: () => ({ entries: count, bytes: file.usedBytes(), oldestAt: file.oldestAfter(removedThrough) }),
    noteAlive(beat) {
      inTransaction(() => {
        // A note fits where a callback no longer does; this receiver is only alive if there is room for one.
        file.proveRoom(beat.toAt);
        file.note(beat);
      });
    },
    aliveNotes: () => file.notes(),
    forgetAliveNotes(beats) {
      tryTransaction(() => beats.forEach(file.forget));
    },
    close: () => file.db.close(),
  };
}

/** The statements on one spool file. */
function prepare({ db, path: file }: { db: DatabaseSync; path: string }, maxBytes: number) {
  db.exec(SCHEMA);
  db.exec(`pragma max_page_count = ${Math.max(16, Math.floor(maxBytes / PAGE_BYTES))}`);
  const insert = db.prepare('insert into entries (at, kind, payload, again) values (?, ?, ?, ?)');
  const removeLast = db.prepare('delete from entries where id = last_insert_rowid()');
  const read = db.prepare('select id, kind, payload, again from entries where id > ? order by id limit ?');
  const oldest = db.prepare('select at from entries where id > ? order by id limit 1');
  const count = db.prepare('select count(*) as entries from entries where id > ? and id <= ?');
  const markTried = db.prepare('update entries set again = 1 where id <= ? and again = 0');
  const remove = db.prepare('delete from entries where id <= ?');
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
    read: (afterId: number, limit: number) =>
      read.all(afterId, limit).map(
        (row): SpoolEntry => ({
          id: row.id as number,
          kind: row.kind as SpoolKind,
          payload: row.payload as string,
          again: row.again === 1,
        }),
      ),
    oldestAfter: (id: number) => (oldest.get(id) as { at: number } | undefined)?.at ?? null,
    countBetween: (afterId: number, throughId: number) =>
      (count.get(afterId, throughId) as { entries: number }).entries,
    markTried: (id: number) => {
      markTried.run(id);
    },
    remove: (id: number) => {
      remove.run(id);
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

function openFirstFree(directory: string, onDamaged: (file: string) => void): { db: DatabaseSync; path: string } {
  for (let number = 0; number < MAX_FILES; number++) {
    const file = path.join(directory, number === 0 ? 'spool.sqlite' : `spool-${number}.sqlite`);
    let db: DatabaseSync | null = null;
    try {
      db = new DatabaseSync(file);
      // Held until the process ends, however it ends: the file of a living receiver cannot be opened by another.
      db.exec(`pragma locking_mode = exclusive; pragma page_size = ${PAGE_BYTES}; pragma journal_mode = wal`);
      db.exec('pragma synchronous = full; begin immediate; commit');
      return { db, path: file };
    } catch (error) {
      db?.close();
      const code = (error as { errcode?: number }).errcode;
      if (code === SQLITE_BUSY) continue;
      if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
        // Left where it is, for people: it may hold callbacks that we said were kept.
        onDamaged(file);
        continue;
      }
      throw new Error(
        `The spool ${file} cannot be opened (${(error as Error).message}): make its directory writable for this user.`,
        { cause: error },
      );
    }
  }
  throw new Error(
    `None of the ${MAX_FILES} spool files in ${directory} can be used: other processes hold them, or they are damaged.`,
  );
}

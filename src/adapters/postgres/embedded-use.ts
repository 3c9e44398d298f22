import path from 'node:path';
import { type FileLock, tryLock, waitForLock } from './file-lock.ts';

/** Creating a cluster and starting it takes seconds; whoever takes longer than this hangs. */
const PATIENCE_MS = 120_000;
const LAST_PATIENCE_MS = 5_000;

/** This process's share in the server of a data directory. */
export interface EmbeddedUse {
  /** Sees to it that the server runs, by `start`, and uses it from then on. Nobody else starts or stops it meanwhile. */
  join(start: () => Promise<void>): Promise<void>;
  /** Uses it no more; the last one to leave stops it, by `stop`. Twice is harmless. */
  leave(stop: () => Promise<void>): Promise<void>;
  /** The same for a process that ends now. True: the server is to be stopped, for nobody uses it. */
  leaveSync(): boolean;
}

/** Who starts and stops the server holds `postgres.turn` alone; everybody who uses it holds `postgres.users` together. */
export function createUse(dataDir: string): EmbeddedUse {
  const turnFile = path.join(dataDir, 'postgres.turn');
  const usersFile = path.join(dataDir, 'postgres.users');
  let turn: FileLock | null = null;
  let share: FileLock | null = null;

  async function takeTurn(): Promise<void> {
    turn = await waitForLock(turnFile, PATIENCE_MS);
    if (turn !== null) return;
    throw new Error(
      `Another Snapaudit process has been starting or stopping the embedded PostgreSQL in ${dataDir} for two minutes. ` +
        'End that process, or set DATABASE_URL to use your own server.',
    );
  }

  function giveTurn(): void {
    turn?.release();
    turn = null;
  }

  /** With the turn: whether nobody uses it once we do not. */
  function isLast(): boolean {
    share?.release();
    share = null;
    const alone = tryLock(usersFile, 'exclusive');
    alone?.release();
    return alone !== null;
  }

  return {
    async join(start) {
      await takeTurn();
      try {
        await start();
        share = tryLock(usersFile, 'shared');
      } finally {
        giveTurn();
      }
    },
    async leave(stop) {
      if (share === null) return;
      await takeTurn();
      try {
        if (isLast()) await stop();
      } finally {
        giveTurn();
      }
    },
    leaveSync() {
      // Ended in the middle of a turn: it is still ours. Else somebody else's may have to be waited for.
      const hadTurn = turn !== null;
      if (!hadTurn && share === null) return false;
      turn ??= tryLock(turnFile, 'exclusive', LAST_PATIENCE_MS);
      // Nobody else can stop it while we have the turn; without it, whoever has it looks for users after us.
      return turn !== null && isLast();
    },
  };
}

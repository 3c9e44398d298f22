import type { Instant } from '../core/instant.ts';
import type { SpoolLook } from '../ports.ts';
import { type DoctorLine, fail, ok, warn } from './doctor-line.ts';

/** How much waits in the spool, and since when. A running receiver holds its file: it is asked (`/readyz`) instead. */
export async function checkSpool(parts: {
  look: () => SpoolLook;
  /** Of the service under `url`; rejects where it does not answer. */
  ask: () => Promise<{ entries: number; oldestAgeSeconds: number } | null>;
  url: string;
  now: Instant;
}): Promise<DoctorLine[]> {
  const check = 'spool';
  let look: SpoolLook;
  try {
    look = parts.look();
  } catch (error) {
    return [fail(check, (error as Error).message, 'Make SNAPAUDIT_DATA_DIR/spool readable for this user.')];
  }
  const lines = look.damaged.map((file) =>
    fail(
      check,
      `${file} is damaged, and may hold callbacks that were answered 200`,
      'Recover it with sqlite3 (.recover), then move it away.',
    ),
  );
  let { entries } = look.left;
  let ageSeconds = look.left.oldestAt === null ? 0 : (parts.now - look.left.oldestAt) / 1_000;
  if (look.held > 0) {
    try {
      const told = await parts.ask();
      entries += told?.entries ?? 0;
      ageSeconds = Math.max(ageSeconds, told?.oldestAgeSeconds ?? 0);
    } catch {
      const remedy = 'Run doctor with the HOST and PORT of that service.';
      return [...lines, warn(check, `a running service holds it, and none answers at ${parts.url}`, remedy)];
    }
  }
  if (entries === 0) return [...lines, ok(check, 'empty')];
  const detail = `${entries} ${entries === 1 ? 'item waits' : 'items wait'}, the oldest for ${Math.round(ageSeconds)} s`;
  const remedy =
    look.held > 0
      ? 'They go to the database by themselves as soon as it takes them.'
      : 'Start the service (snapaudit serve): it brings them to the database.';
  return [...lines, warn(check, detail, remedy)];
}

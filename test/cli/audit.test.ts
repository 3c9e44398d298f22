import { describe, expect, it } from 'vitest';
import { auditCommand } from '../../src/cli/audit.ts';
import type { AuditHandle } from '../../src/cli/audit-handle.ts';
import { createBackfill } from '../../src/usecases/backfill.ts';
import { createEvidenceExport } from '../../src/usecases/export-evidence.ts';
import { createPollSessions } from '../../src/usecases/poll-sessions.ts';
import { createTrackSessions } from '../../src/usecases/track-sessions.ts';
import { APP, type AuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { runCommand } from '../support/command.ts';
import { eachAuditWorld } from '../support/each-audit-world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const at = (minutes: number) => new Date(T0 + minutes * MINUTE).toISOString();

let world: AuditWorld;
eachAuditWorld(async (fresh) => {
  world = fresh;
  world.config();
  await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
  world.vendor.startSession({ domain: DOMAIN, app: APP, stream: 'cam01' }, T0);
  world.clock.at = T0 + 10 * MINUTE;
});

async function broadcast(missing: number[], notTold: number[] = []): Promise<void> {
  world.clock.at = T0;
  for (let number = 1; number < 62; number++) {
    if (missing.includes(number)) continue;
    await world.capture('cam01', T0 + number * 10 * SECOND, { callback: !notTold.includes(number) });
  }
  await world.flush();
  world.clock.at = T0 + 10 * MINUTE;
}

function run(...args: string[]) {
  const { parts } = world;
  const domains = [DOMAIN];
  const track = createTrackSessions({ ...parts, domains });
  const handle: AuditHandle = {
    clock: world.clock,
    domains,
    settleSeconds: parts.settleSeconds,
    poll: createPollSessions({ ...parts, domains }),
    track,
    audit: world.audit,
    backfill: createBackfill({ ...parts, captures: world.captures, track, audit: world.audit, domains }),
    exportEvidence: createEvidenceExport(parts),
    audits: world.audits,
    streamIds: async ({ domain, app, stream }) =>
      (await world.sessions.streams(domain))
        .filter((row) => row.app === (app ?? row.app) && row.stream === (stream ?? row.stream))
        .map(({ id }) => id),
    close: async () => {},
  };
  return runCommand(auditCommand, args, { openAudit: async () => handle });
}

describe('snapaudit audit', () => {
  it('ends with 0 and a line a domain where nothing is missing', async () => {
    await broadcast([]);
    const { exitCode, stdout } = await run();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^domain +streams +keys/);
    expect(stdout).toMatch(new RegExp(`${DOMAIN} .* 100.00 % +0 +0`));
  });

  it('ends with 1 where slots are bad, and says how many', async () => {
    await broadcast([20, 21], [30]);
    const { exitCode, stdout } = await run('--format', 'json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { domain: DOMAIN, streams: 1, listCalls: 1, bad: 3, unknown: 0, error: null },
    ]);
  });

  it('ends with 2 where it could not look, says why, and does not call it missing', async () => {
    await broadcast([20]);
    world.bucket.fail('list', 'access-denied', { times: 10, transient: false });
    const { exitCode, stdout, stderr } = await run('--format', 'ndjson');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('could not look everywhere (1 stream): Bucket "snap" could not be looked at');
    expect(JSON.parse(stdout)).toMatchObject({ bad: 0 });
    expect(JSON.parse(stdout).unknown).toBeGreaterThan(40);
  });

  it('ends with 2 where the vendor could not be asked who is on air: no stream is not "all clean"', async () => {
    world.liveOptions.before = () => {
      throw new Error('the vendor refused: InvalidAccessKeySecret');
    };
    const { exitCode, stdout, stderr } = await run('--format', 'json');
    expect(exitCode).toBe(2);
    const sentence = 'could not ask the vendor who is on air: the vendor refused: InvalidAccessKeySecret';
    expect(stderr).toContain(`${DOMAIN}: ${sentence}\n`);
    expect(JSON.parse(stdout)).toMatchObject([{ domain: DOMAIN, streams: 0, bad: 0, error: sentence }]);
  });

  it('refuses names that nobody ever saw: a mistyped one is not "all clean"', async () => {
    await broadcast([20]);
    await expect(run('--stream', 'Cam01')).rejects.toThrow(/no such stream was ever seen; .*case-sensitive/);
    await expect(run('--app', 'nosuch', '--last', '5m')).rejects.toThrow(/no such stream was ever seen/);
    expect((await run('--stream', 'cam01')).exitCode).toBe(1);
  });

  it('judges a stretch again when it is asked to', async () => {
    await broadcast([20]);
    await run();
    await world.capture('cam01', T0 + 200 * SECOND, { callback: false });
    world.clock.at += MINUTE;
    expect((await run()).exitCode).toBe(1);
    expect((await world.stored()).gaps).toMatchObject([{ verdict: 'not_captured' }]);
    await run('--from', at(2));
    expect((await world.stored()).gaps).toMatchObject([{ verdict: 'callback_missing' }]);
  });

  it('prints the window that was counted: whole hours, as far as they are settled', async () => {
    await broadcast([20]);
    const { exitCode, stdout } = await run('--from', at(4), '--to', at(5), '--format', 'json');
    expect(exitCode).toBe(1);
    const hour = Math.floor(T0 / (60 * MINUTE)) * 60 * MINUTE;
    expect(JSON.parse(stdout)).toMatchObject([{ from: new Date(hour).toISOString(), to: at(9), bad: 1 }]);
  });

  it('restores captures of a stretch', async () => {
    await broadcast([], [10, 11, 12]);
    const { stdout } = await run('--backfill', '--last', '10m', '--format', 'csv');
    expect(stdout).toMatch(/^domain,from,to,streams,keys,captures,restored/);
    const rows = await world.database.db
      .selectFrom('captures')
      .select('captured_at')
      .where('deliveries', '=', 0)
      .execute();
    expect(rows).toHaveLength(3);
  });

  it.each([
    [['--backfill'], 'needs --from or --last'],
    [['--from', at(9.5)], '--from must be before'],
    [['--domain', 'other.example.com'], 'the settings file has no domain other.example.com'],
  ])('refuses %j', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });
});

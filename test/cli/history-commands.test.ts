import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditsCommand } from '../../src/cli/audits.ts';
import { capturesCommand } from '../../src/cli/captures.ts';
import { coverageCommand } from '../../src/cli/coverage.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { gapsCommand } from '../../src/cli/gaps.ts';
import { quarantineCommand } from '../../src/cli/quarantine.ts';
import type { QueryHandle } from '../../src/cli/query-handle.ts';
import { sessionsCommand } from '../../src/cli/sessions.ts';
import { streamsCommand } from '../../src/cli/streams.ts';
import type { Settings } from '../../src/config/settings.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  addCaptures,
  addConfig,
  addGap,
  addHeartbeat,
  addPartitions,
  addSession,
  addShape,
  addSlotHour,
  addStream,
  addWatermark,
} from '../support/history.ts';
import { createTestQueryHandle } from '../support/query-handle.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const START = NOW - 3_600_000;
const NAME = 'a-stream-with-a-rather-long-name-that-must-give-way';

let database: TestDatabase;
let openQueries: () => Promise<QueryHandle>;

beforeAll(async () => {
  database = await createTestDatabase();
  openQueries = createTestQueryHandle(database, NOW);
  const stream = await addStream(database, 'play.example.com', 'live', NAME);
  const evil = await addStream(database, 'play.example.com', 'live', '=cmd\u001b[31m');
  await addPartitions(database, START, NOW + 1);
  const shapeId = await addShape(database);
  await addConfig(database, { domain: 'play.example.com', app: 'live', validFrom: START, intervalSeconds: 10 });
  await addHeartbeat(database, START, NOW);
  await addSession(database, stream, START, null);
  await addCaptures(
    database,
    Array.from({ length: 130 }, (_, index) => ({ streamId: stream, at: START + index * 10_000, shapeId })),
  );
  await addCaptures(database, [{ streamId: evil, at: START, shapeId }]);
  await addGap(database, {
    streamId: stream,
    from: START + 1_300_000,
    to: NOW,
    slots: 230,
    verdict: 'not_captured',
    cause: 'not_captured',
    open: true,
  });
  await addGap(database, {
    streamId: evil,
    from: START,
    to: START + 10_000,
    slots: 1,
    verdict: 'excused',
    cause: null,
    reason: 'maintenance',
  });
  await addWatermark(database, stream, NOW);
  await addSlotHour(database, stream, START, START, { ok: 130, not_captured: 230 });
});
afterAll(() => database?.drop());

describe('streams', () => {
  it('prints a table that fits the terminal and ends with 1 where a stream stands at gap', async () => {
    const { stdout, exitCode } = await runCommand(streamsCommand, [], { openQueries, columns: 100 });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(stdout).toContain('230 x not_captured');
    expect(stdout).toContain('gap');
    expect(exitCode).toBe(1);
  });

  it('prints names in full where there is no terminal, and no control characters', async () => {
    const { stdout } = await runCommand(streamsCommand, [], { openQueries });
    expect(stdout).toContain(NAME);
    expect(stdout).not.toContain('\u001b');
  });
});

describe('captures', () => {
  it('prints NDJSON of all rows with --limit 0, oldest first when asked', async () => {
    const { stdout, exitCode } = await runCommand(
      capturesCommand,
      ['--stream', NAME, '--format', 'ndjson', '--limit', '0', '--oldest'],
      { openQueries },
    );
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(130);
    expect(rows[0]).toMatchObject({
      capturedAt: new Date(START).toISOString(),
      verdict: 'ok',
      object: `snapshot/live/${NAME}/${START / 1_000}.jpg`,
    });
    expect(exitCode).toBe(0);
  });

  it('says on stderr that there are more rows', async () => {
    const { stdout, stderr } = await runCommand(capturesCommand, ['--format', 'json', '--limit', '3'], { openQueries });
    expect(JSON.parse(stdout)).toHaveLength(3);
    expect(stderr).toContain('more than 3 rows');
  });

  it('writes CSV that no spreadsheet takes for a formula', async () => {
    const { stdout } = await runCommand(capturesCommand, ['--stream', '=cmd\u001b[31m', '--format', 'csv'], {
      openQueries,
    });
    const [header, line] = stdout.split('\n');
    expect(header).toMatch(/^id,domain,app,stream,capturedAt,/);
    expect(line).toContain(",'=cmd");
  });

  it('refuses a time without a zone', async () => {
    await expect(runCommand(capturesCommand, ['--from', '2026-11-24'], { openQueries })).rejects.toThrow(/zone/);
  });
});

describe('sessions', () => {
  it('prints what is on air with its coverage, and every verdict for machines', async () => {
    const { stdout } = await runCommand(sessionsCommand, ['--on-air'], { openQueries });
    expect(stdout).toMatch(/2026-11-24 11:00:00 +on air +play\.example\.com +live +a-stream-with.* 36\.11 %/);
    const json = await runCommand(sessionsCommand, ['--format', 'json'], { openQueries });
    expect(JSON.parse(json.stdout)).toMatchObject([{ stream: NAME, endedAt: null, ok: 130, not_captured: 230 }]);
  });

  it('says where none matches', async () => {
    const { stdout, stderr } = await runCommand(sessionsCommand, ['--app', 'other'], { openQueries });
    expect([stdout, stderr]).toEqual(['', 'No session matches.\n']);
  });
});

describe('audits', () => {
  beforeAll(async () => {
    const insert = `insert into audits (domain, from_at, to_at, started_at, finished_at, status, error, list_calls, keys, seconds)
      values ('play.example.com', $1, $2, $2, $3, $4, $5, 7, 130, 2)`;
    const [from, to, end] = [START, NOW - 60_000, NOW - 58_000].map((at) => new Date(at).toISOString());
    await database.pool.query(insert, [from, to, end, 'done', null]);
    await database.pool.query(insert, [from, to, end, 'failed', 'OSS answered AccessDenied']);
  });

  it('prints what each one cost, and ends with 1 where one failed', async () => {
    const done = await runCommand(auditsCommand, ['--status', 'done'], { openQueries });
    expect(done.stdout).toMatch(/2026-11-24 11:59:00 +audit +play\.example\.com +\* +59m +done +2\.0s +7 +130/);
    expect(done.exitCode).toBe(0);
    const all = await runCommand(auditsCommand, ['--format', 'ndjson'], { openQueries });
    expect(
      all.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).error),
    ).toEqual(['OSS answered AccessDenied', null]);
    expect(all.exitCode).toBe(1);
  });
});

describe('gaps', () => {
  it('ends with 1 for a fault and with 0 where all is excused', async () => {
    const faults = await runCommand(gapsCommand, ['--last', '2h'], { openQueries });
    expect(faults.stdout).toContain('goes on');
    expect(faults.exitCode).toBe(1);
    const excused = await runCommand(gapsCommand, ['--verdict', 'excused', '--format', 'json'], { openQueries });
    expect(JSON.parse(excused.stdout)).toMatchObject([{ reason: 'maintenance', cause: null }]);
    expect(excused.exitCode).toBe(0);
  });

  describe('watched', () => {
    /** Looks three times; before the second look a gap comes, before the third an old one has grown. */
    async function watch(...args: string[]) {
      const other = await addStream(database, 'play.example.com', 'watched', `cam${args.join('')}`);
      const late = { verdict: 'late', cause: 'late_delivery' } as const;
      const gap = { streamId: other, from: START, to: START + 10_000, slots: 1, ...late };
      await addGap(database, gap);
      let stop = () => {};
      const stopped = new Promise<void>((resolve) => {
        stop = resolve;
      });
      const between = [
        () => addGap(database, { ...gap, from: START + 50_000, to: START + 60_000 }),
        () =>
          database.pool.query(
            'update gaps set slots = 2, to_at = to_at + $2::interval where stream_id = $1 and from_at = $3',
            [other, '10 seconds', new Date(START).toISOString()],
          ),
        async () => stop(),
      ];
      return runCommand(gapsCommand, ['--watch', '--app', 'watched', '--stream', `cam${args.join('')}`, ...args], {
        openQueries,
        untilStopped: () => stopped,
        pause: async () => void (await between.shift()?.()),
      });
    }

    it('prints a gap when it comes and again when it has grown, each once', async () => {
      const { stdout, exitCode } = await watch('--format', 'ndjson');
      const rows = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(rows.map((row) => [Date.parse(row.from) - START, row.slots])).toEqual([
        [0, 1],
        [50_000, 1],
        [0, 2],
      ]);
      expect(exitCode).toBe(1);
    });

    it('writes one CSV file with one header', async () => {
      const { stdout } = await watch('--format', 'csv');
      const lines = stdout.trimEnd().split('\n');
      expect(lines.map((line) => line.startsWith('id,'))).toEqual([true, false, false, false]);
    });

    it('says once that there is none, and is quiet in later rounds', async () => {
      let rounds = 0;
      let stop = () => {};
      const { stdout, stderr } = await runCommand(gapsCommand, ['--watch', '--stream', 'nobody'], {
        openQueries,
        untilStopped: () =>
          new Promise<void>((resolve) => {
            stop = resolve;
          }),
        pause: async () => {
          if (++rounds === 3) stop();
        },
      });
      expect([stdout, stderr]).toEqual(['', 'No gap matches.\n']);
    });

    it('refuses JSON, whose array would have no end', async () => {
      const { exitCode, stderr } = await runCommand(gapsCommand, ['--watch', '--format', 'json'], { openQueries });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--format ndjson')]);
    });
  });
});

describe('a domain', () => {
  const LISTS = [
    auditsCommand,
    capturesCommand,
    coverageCommand,
    gapsCommand,
    quarantineCommand,
    sessionsCommand,
    streamsCommand,
  ];
  const loadSettings = async () => ({ domains: [{ domain: 'new.example.com' }] }) as Settings;

  it('may be written in capitals', async () => {
    const args = ['--domain', 'Play.Example.COM', '--format', 'json'];
    const { stdout, stderr } = await runCommand(streamsCommand, args, { openQueries });
    expect([JSON.parse(stdout)[0]?.domain, stderr]).toEqual(['play.example.com', '']);
    const apps = await runCommand(streamsCommand, ['apps', ...args], { openQueries });
    expect(JSON.parse(apps.stdout)[0]?.domain).toBe('play.example.com');
  });

  it('is told of where neither the settings nor the streams know it, once for each, and nothing else changes', async () => {
    const args = ['--domain', 'play.exmaple.com', '--domain', 'Play.exmaple.com', '--domain', 'new.example.com'];
    for (const command of LISTS) {
      const { exitCode, stderr } = await runCommand(command, args, { openQueries, loadSettings });
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(/^warning: no stream of play\.exmaple\.com was ever seen\n(?!warning)/);
    }
    for (const [command, ...words] of [
      [streamsCommand, 'apps'],
      [exportCommand, 'captures'],
      [exportCommand, 'gaps'],
      [exportCommand, 'coverage'],
      [exportCommand, 'report', '--month', '2026-11'],
    ] as const) {
      const { stderr } = await runCommand(command, [...words, ...args], { openQueries, loadSettings });
      expect(stderr).toMatch(/^warning: no stream of play\.exmaple\.com was ever seen\n(?!warning)/);
    }
  });

  it('is told of without a settings file, too, and without escape sequences', async () => {
    const { stderr } = await runCommand(gapsCommand, ['--domain', 'new.example.com\u001b[31m'], { openQueries });
    expect(stderr).toMatch(/^warning: no stream of new\.example\.com.* was ever seen\nNo gap matches\.\n$/);
    expect(stderr).not.toContain('\u001b');
  });
});

describe('coverage', () => {
  it('never rounds up to 100 % and prints exclusions', async () => {
    const { stdout, exitCode } = await runCommand(coverageCommand, ['--last', '2h'], { openQueries, columns: 120 });
    expect(stdout).toContain('36.11 %');
    expect(exitCode).toBe(1);
  });
});

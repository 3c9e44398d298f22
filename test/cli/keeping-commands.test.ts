import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timestamp } from '../../src/adapters/postgres/timestamp.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { quarantineCommand } from '../../src/cli/quarantine.ts';
import type { QueryHandle } from '../../src/cli/query-handle.ts';
import { tokensCommand } from '../../src/cli/tokens.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillHistory, NOW, START } from '../support/filled-history.ts';
import { createTestQueryHandle } from '../support/query-handle.ts';

let database: TestDatabase;
let openQueries: () => Promise<QueryHandle>;
beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  openQueries = createTestQueryHandle(database, NOW);
});
afterAll(() => database?.drop());

const run = (command: Parameters<typeof runCommand>[0], ...args: string[]) =>
  runCommand(command, args, { openQueries });

describe('tokens', () => {
  it('are shown once, listed by their beginning, and revoked', async () => {
    const made = await run(tokensCommand, 'create', '--name', 'ci', '--scope', 'operate');
    const token = made.stdout.trim();
    expect(token).toMatch(/^sao_[A-Za-z0-9_-]{43}$/);
    const listed = await run(tokensCommand, 'list', '--format', 'json');
    expect(listed.stdout).not.toContain(token);
    const [row] = JSON.parse(listed.stdout);
    expect(row).toMatchObject({ name: 'ci', scope: 'operate', hint: token.slice(0, 8), revokedAt: null });
    await run(tokensCommand, 'revoke', String(row.id));
    const after = await run(tokensCommand, 'list', '--format', 'json');
    expect(JSON.parse(after.stdout)[0].revokedAt).not.toBeNull();
    const { rows } = await sql<{ action: string }>`select action from operator_log order by id`.execute(database.db);
    expect(rows.map((each) => each.action)).toEqual(['tokens create', 'tokens revoke']);
  });

  it('are refused an end or a number that no database holds', async () => {
    const make = (span: string) => run(tokensCommand, 'create', '--name', 'x', '--expires', span);
    await expect(make('999999999d')).rejects.toThrow('at most 3660d');
    await expect(run(tokensCommand, 'revoke', '2147483648')).rejects.toThrow('at most 2147483647');
    await expect(run(tokensCommand, 'revoke', '2147483647')).rejects.toThrow('There is no token');
  });
});

describe('quarantine', () => {
  it('prints a request without letting its bytes reach the terminal', async () => {
    const { rows } = await sql<{ id: number }>`
      insert into quarantine (received_at, kind, reason, body, headers)
      values (${timestamp(NOW)}, 'unclassified', 'no-object', ${Buffer.from('{"a":"\u001b[31m"}')}, '{"x":"y"}')
      returning id`.execute(database.db);
    const { stdout } = await run(quarantineCommand, 'show', String(rows[0]!.id));
    expect(stdout).toContain('reason: no-object');
    expect(stdout).not.toContain('\u001b');
  });

  it('takes in what is understood now, says why not the rest, and leaves alone what was dropped', async () => {
    await sql`delete from quarantine`.execute(database.db);
    const object = `snapshot/live/cam01/${START / 1_000 + 3_000}.jpg`;
    const keep = async (body: string) =>
      (
        await sql<{ id: number }>`
          insert into quarantine (received_at, kind, reason, body)
          values (${timestamp(NOW)}, 'unclassified', 'no-object', ${Buffer.from(body)}) returning id`.execute(
          database.db,
        )
      ).rows[0]!.id;
    const body = (name: string) =>
      JSON.stringify({
        DomainName: 'play.example.com',
        AppName: 'live',
        StreamName: 'cam01',
        OssBucket: 'bucket-a',
        [name]: object,
      });
    await keep(body('OssObject'));
    await keep('rubbish');
    const dropped = await keep(body('OssObject'));
    await run(quarantineCommand, 'drop', String(dropped));
    const { stdout, exitCode } = await run(quarantineCommand, 'retry');
    expect(stdout).toContain('2 tried, 1 stored.');
    expect(exitCode).toBe(1);
    const handle = await openQueries();
    const { data } = await handle.queries.captures({ from: START + 3_000_000 });
    expect(data).toMatchObject([{ object }]);
    const settled = await handle.queries.quarantined({ settled: true });
    expect(settled.data.map((row) => row.outcome).sort()).toEqual(['dropped', 'stored']);
    await expect(run(quarantineCommand, 'drop', '999999')).rejects.toThrow('no such request');
  });

  it('says of none that it is stored which the database still refuses', async () => {
    await sql`delete from quarantine`.execute(database.db);
    // Unsigned callbacks may make partitions for 31 days, and no more.
    for (let day = 1; day <= 33; day++) {
      const object = `snapshot/live/cam01/${START / 1_000 - (100 + day) * 86_400}.jpg`;
      const told = { domain: 'play.example.com', app: 'live', stream: 'cam01', bucket: 'bucket-a', object };
      await sql`
        insert into quarantine (received_at, kind, reason, body)
        values (${timestamp(NOW)}, 'unclassified', 'too-many-new-days', ${Buffer.from(JSON.stringify(told))})`.execute(
        database.db,
      );
    }
    const { stdout } = await run(quarantineCommand, 'retry');
    expect(stdout).toBe('33 tried, 31 stored.\n2 still too-many-new-days\n');
    const handle = await openQueries();
    const { data } = await handle.queries.captures({ from: START - 140 * 86_400_000, to: START - 90 * 86_400_000 });
    expect(data).toHaveLength(31);
    await sql`delete from captures where captured_at < ${timestamp(START - 90 * 86_400_000)}`.execute(database.db);
  });
});

describe('export', () => {
  it('writes captures and goes on where it stopped', async () => {
    const whole = await run(exportCommand, 'captures', '--to', new Date(START + 100_000).toISOString());
    const lines = whole.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(11);
    const rest = await run(
      exportCommand,
      'captures',
      '--to',
      new Date(START + 100_000).toISOString(),
      '--cursor',
      lines[4]!.split(',')[0]!,
    );
    expect(rest.stdout.trimEnd().split('\n')).toEqual(lines.slice(5));
  });

  it('writes gaps, coverage and the report of a month', async () => {
    expect((await run(exportCommand, 'gaps', '--format', 'ndjson')).stdout).toContain('"verdict":"late"');
    const coverage = (await run(exportCommand, 'coverage', '--last', '2h')).stdout.trimEnd().split('\n');
    expect(coverage).toEqual([expect.any(String), expect.stringContaining('play.example.com,live,cam01,300')]);
    const report = await run(exportCommand, 'report', '--month', '2025-11', '--format', 'json');
    expect(JSON.parse(report.stdout).rows).toHaveLength(3);
  });
});

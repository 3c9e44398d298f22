import { afterAll, beforeAll, expect, it } from 'vitest';
import { capturesCommand } from '../../src/cli/captures.ts';
import { gapsCommand } from '../../src/cli/gaps.ts';
import { quarantineCommand } from '../../src/cli/quarantine.ts';
import type { QueryHandle } from '../../src/cli/query-handle.ts';
import { sessionsCommand } from '../../src/cli/sessions.ts';
import { streamsCommand } from '../../src/cli/streams.ts';
import { tokensCommand } from '../../src/cli/tokens.ts';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillHistory, NOW, START } from '../support/filled-history.ts';
import { addCaptures } from '../support/history.ts';
import { createTestQueryHandle } from '../support/query-handle.ts';

let database: TestDatabase;
let openQueries: () => Promise<QueryHandle>;
beforeAll(async () => {
  database = await createTestDatabase();
  await fillHistory(database);
  await database.pool.query(`update gaps set evidence = '{"object":"a\\u001bb"}'`);
  openQueries = createTestQueryHandle(database, NOW);
});
afterAll(() => database?.drop());

const run = (command: Parameters<typeof runCommand>[0], ...args: string[]) =>
  runCommand(command, args, { openQueries });
const rowsOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const SESSION = `1-${START}`;
const GAP = `1-${START + 50_000}-late-sequence`;

it('sessions slots prints every slot of one session, in the form that was asked for', async () => {
  const all = await run(sessionsCommand, 'slots', SESSION, '--format', 'ndjson', '--limit', '0');
  const slots = rowsOf(all.stdout);
  expect(slots).toHaveLength(300);
  expect(slots[5]).toMatchObject({ verdict: 'late', cause: 'late_delivery', captureId: expect.any(String) });
  const table = await run(sessionsCommand, 'slots', SESSION, '--limit', '3');
  expect(table.stdout.trimEnd().split('\n')).toHaveLength(4);
  expect(table.stderr).toContain('more than 3 rows');
  expect((await run(sessionsCommand, 'slots', SESSION, '--mode', 'overwrite')).stderr).toContain('no slots');
  await expect(run(sessionsCommand, 'slots', '9-9')).rejects.toThrow('no such session');
});

it('captures url signs a URL', async () => {
  const { stdout, stderr } = await run(capturesCommand, 'url', `1-${START}-0`);
  expect(stdout).toMatch(/^https:\/\/bucket-a\.\S+\.jpg\?\S+\n$/);
  expect(stderr).toContain('until');
  await expect(run(capturesCommand, 'url', '1-1-1')).rejects.toThrow('no such capture');
});

it('captures can be told apart by whether their callback was signed', async () => {
  const { rows } = await database.pool.query<{ shape_id: number }>('select shape_id from captures limit 1');
  await addCaptures(database, [
    { streamId: 1, at: START + 1_000, shapeId: rows[0]!.shape_id, flags: CAPTURE_FLAGS.fromObject },
  ]);
  const count = async (...flags: string[]) =>
    rowsOf((await run(capturesCommand, '--format', 'ndjson', '--limit', '0', ...flags)).stdout);
  const verified = await count('--verified');
  const others = await count('--no-verified');
  expect([verified.every((row) => row.verified), others.every((row) => !row.verified)]).toEqual([true, true]);
  expect(others.map((row) => row.capturedAt)).toContain(new Date(START + 1_000).toISOString());
  expect((await count()).length).toBe(verified.length + others.length);
});

it('gaps show prints one gap with its evidence, and lets no escape sequence through', async () => {
  const shown = await run(gapsCommand, 'show', GAP);
  expect(shown.stdout).toMatch(/verdict: late\n(.*\n)*evidence: \{\n/);
  expect(shown.stdout).not.toContain('\u001b');
  expect(shown.exitCode).toBe(1);
  const json = await run(gapsCommand, 'show', GAP, '--format', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({ id: GAP, evidence: { object: 'a\u001bb' } });
  await expect(run(gapsCommand, 'show', 'x')).rejects.toThrow('no such gap');
});

it('streams domains and apps print where streams were seen', async () => {
  const domains = await run(streamsCommand, 'domains', '--format', 'ndjson');
  expect(rowsOf(domains.stdout)).toEqual([{ domain: 'play.example.com', apps: 1, streams: 1 }]);
  const apps = await run(streamsCommand, 'apps', '--domain', 'play.example.com', '--format', 'csv');
  expect(apps.stdout).toBe('domain,app,streams\nplay.example.com,live,1\n');
  expect((await run(streamsCommand, 'apps', '--domain', 'other')).stderr).toBe(
    'warning: no stream of other was ever seen\nNo stream matches.\n',
  );
});

it('quarantine list tells what is settled from what is not', async () => {
  const before = rowsOf((await run(quarantineCommand, 'list', '--no-settled', '--format', 'ndjson')).stdout);
  await run(quarantineCommand, 'drop', String(before[0].id));
  const settled = await run(quarantineCommand, 'list', '--settled', '--format', 'ndjson');
  expect(rowsOf(settled.stdout)).toMatchObject([{ id: before[0].id, outcome: 'dropped' }]);
  expect((await run(quarantineCommand, 'list', '--no-settled')).stderr).toContain('Nothing');
});

it('tokens log prints who wrote what, newest first', async () => {
  await run(tokensCommand, 'create', '--name', 'desk');
  const log = rowsOf((await run(tokensCommand, 'log', '--limit', '1', '--format', 'ndjson')).stdout);
  expect(log).toMatchObject([
    { actor: 'command line', action: 'tokens create', detail: JSON.stringify({ name: 'desk', scope: 'read' }) },
  ]);
  expect((await run(tokensCommand, 'log')).stdout).toMatch(/command line +tokens create +token 1/);
});

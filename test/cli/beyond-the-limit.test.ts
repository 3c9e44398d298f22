import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWallReads } from '../../src/adapters/postgres/query-wall.ts';
import { capturesCommand } from '../../src/cli/captures.ts';
import { coverageCommand } from '../../src/cli/coverage.ts';
import { gapsCommand } from '../../src/cli/gaps.ts';
import { judgeCommand } from '../../src/cli/judge.ts';
import type { QueryHandle } from '../../src/cli/query-handle.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addCaptures, addGap, addPartitions, addShape, addSlotHour, addStream } from '../support/history.ts';
import { createTestQueryHandle } from '../support/query-handle.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const START = NOW - 3_600_000;
let database: TestDatabase;
let openQueries: () => Promise<QueryHandle>;
beforeAll(async () => {
  database = await createTestDatabase();
  openQueries = createTestQueryHandle(database, NOW);
  await addPartitions(database, START, NOW + 1);
  const shapeId = await addShape(database);
  let last = 0;
  for (let i = 0; i <= 500; i++) {
    last = await addStream(database, 'play.example.com', 'live', `cam${String(i).padStart(4, '0')}`);
    await addSlotHour(database, last, START, START, i === 500 ? { ok: 1, not_captured: 300 } : { ok: 360 });
  }
  await addGap(database, {
    streamId: last,
    from: START,
    to: START + 3000_000,
    slots: 300,
    verdict: 'not_captured',
    cause: 'not_captured',
    open: true,
  });
  for (let i = 0; i < 100; i++)
    await addGap(database, {
      streamId: last - 1,
      from: START + 1000_000 + i * 1000,
      to: START + 1000_001 + i * 1000,
      slots: 1,
      verdict: 'unexpected',
      cause: 'beyond_beat',
    });
  await addCaptures(
    database,
    Array.from({ length: 600 }, (_, i) => ({ streamId: last, at: START + i * 1000, shapeId })),
  );
  const stray = await addStream(database, 'play.example.com', 'live', 'stray');
  await addSlotHour(database, stray, START, START, { unexpected: 5 });
}, 60_000);
afterAll(() => database?.drop());

it('coverage ends with 1 for a fault that the limit left out', async () => {
  const all = await runCommand(coverageCommand, ['--limit', '0', '--format', 'ndjson'], { openQueries });
  expect(all.exitCode).toBe(1);
  const some = await runCommand(coverageCommand, ['--format', 'ndjson'], { openQueries });
  expect(some.stdout.split('\n').length).toBe(501);
  expect(some.exitCode).toBe(1);
});
it('gaps ends with 1 for a fault that the limit left out', async () => {
  expect((await runCommand(gapsCommand, ['--last', '24h', '--limit', '0'], { openQueries })).exitCode).toBe(1);
  expect((await runCommand(gapsCommand, ['--last', '24h'], { openQueries })).exitCode).toBe(1);
});
it.each(['9999-12-31T23:59:59Z', '1969-12-31T00:00:00Z', '0000-01-01T00:00:00Z'])(
  'a time that no database holds is refused: %s',
  async (text) => {
    await expect(runCommand(capturesCommand, ['--to', text], { openQueries })).rejects.toThrow(/1970 to 9998/);
  },
);
it('the wall calls an hour with nothing but strays unexpected', async () => {
  const strips = await createWallReads(database).strips(NOW - 23 * 3_600_000, 24);
  expect(strips.find((s) => s.ok === 0)?.hours).toEqual([{ index: 22, verdict: 'unexpected', ninths: 0 }]);
});
it('judge lets no control character of a file reach the terminal', async () => {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'snapaudit-judge-')), 'evidence.ndjson');
  writeFileSync(
    file,
    [
      {
        type: 'window',
        from: '2026-11-24T00:00:00.000Z',
        to: '2026-11-24T01:00:00.000Z',
        now: '2026-11-24T02:00:00.000Z',
        settleSeconds: 60,
        lateAfterSeconds: 30,
        callbackUrl: 'https://a/',
      },
      {
        type: 'object',
        bucket: 'b\u001b]0;owned\u0007',
        key: 'x\u009b31m/a.jpg',
        lastModified: '2026-11-24T00:10:00.000Z',
        size: 1,
      },
    ]
      .map((l) => JSON.stringify(l))
      .join('\n'),
  );
  const { stdout, stderr } = await runCommand(judgeCommand, [file]);
  expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u);
});

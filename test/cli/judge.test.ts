import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { judgeCommand } from '../../src/cli/judge.ts';
import { runCommand } from '../support/command.ts';
import { broadcast, line, textOf } from '../support/evidence.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'judge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(lines: readonly string[]): string {
  const file = path.join(folder, `${Math.random()}.ndjson`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const clean = fileOf(textOf(broadcast(600)));
const faulty = fileOf(textOf([...broadcast(600, [100, 110]), line.object(1, { key: 'old/x.jpg' })]));

describe('snapaudit judge', () => {
  it('prints slots, coverage, gaps and foreign keys as one JSON object', async () => {
    const { exitCode, stdout, stderr } = await runCommand(judgeCommand, [faulty, '--format', 'json']);
    expect(exitCode).toBe(1);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      slots: { ok: 58, late: 0, not_captured: 2 },
      coverage: 58 / 60,
      gaps: [
        {
          domain: 'play.example.com',
          app: 'live',
          stream: 'cam01',
          from: '2026-09-21T14:01:40.000Z',
          to: '2026-09-21T14:02:00.000Z',
          count: 2,
          verdict: 'not_captured',
          cause: 'not_captured',
        },
      ],
      foreign: [{ bucket: 'b', prefix: 'old/', count: 1 }],
    });
  });

  it('ends with 0 where nothing is bad, even where something is foreign or unknown', async () => {
    expect(await runCommand(judgeCommand, [clean])).toMatchObject({ exitCode: 0, stderr: 'No gap.\n' });
    const unknown = textOf(broadcast(600, [100]).filter((each) => each.type !== 'indexed'));
    expect((await runCommand(judgeCommand, [fileOf(unknown)])).exitCode).toBe(0);
  });

  it('takes a line separator in a name for a part of the name', async () => {
    const told = line.callback(41, { object: 'snapshot/live/cam01/x\u2028y.jpg', verified: false });
    const file = fileOf(textOf([...broadcast(600), told]));
    expect(await runCommand(judgeCommand, [file])).toMatchObject({ exitCode: 1, stderr: '' });
  });

  it('reads standard input for -', async () => {
    const stdin = Readable.from(textOf(broadcast(600, [100])).map((text) => `${text}\n`));
    const { exitCode, stdout } = await runCommand(judgeCommand, ['-', '--format', 'ndjson'], { stdin });
    expect(exitCode).toBe(1);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text).count),
    ).toEqual([1]);
  });

  it('prints a table for people and CSV for spreadsheets', async () => {
    const table = await runCommand(judgeCommand, [faulty]);
    expect(table.stdout).toMatch(/cam01\s+2\s+not_captured\s+not_captured/);
    expect(table.stdout).toContain('slots: 58 ok, 2 not_captured; coverage 96.66 %');
    expect(table.stdout).toContain('foreign: 1 object in b under "old/"');
    const csv = await runCommand(judgeCommand, [faulty, '--format', 'csv']);
    expect(csv.stdout.split('\n').slice(0, 2)).toEqual([
      'domain,app,stream,from,to,count,verdict,cause,mode,reason',
      'play.example.com,live,cam01,2026-09-21T14:01:40.000Z,2026-09-21T14:02:00.000Z,2,not_captured,not_captured,,',
    ]);
  });

  it('ends with 2 and names the line where the file is malformed, or cannot be read', async () => {
    const malformed = await runCommand(judgeCommand, [fileOf([...textOf(broadcast(20)), '{"type":"callback"}'])]);
    expect(malformed).toMatchObject({ exitCode: 2, stdout: '' });
    expect(malformed.stderr).toMatch(/line 10: callback: field "domain"/);
    const absent = await runCommand(judgeCommand, [path.join(folder, 'absent')]);
    expect(absent).toMatchObject({ exitCode: 2, stdout: '' });
    expect(absent.stderr).toContain('no such file');
  });
});

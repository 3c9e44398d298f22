import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuditHandle } from '../../src/cli/audit-handle.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { judgeCommand } from '../../src/cli/judge.ts';
import { createEvidenceExport } from '../../src/usecases/export-evidence.ts';
import { APP, type AuditWorld, createAuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestQueryHandle } from '../support/query-handle.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let database: TestDatabase;
let world: AuditWorld;
let directory: string;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  directory = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-pack-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await database.drop();
});
beforeEach(async () => {
  world = await createAuditWorld(database);
  world.config();
  await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
  world.vendor.startSession({ domain: DOMAIN, app: APP, stream: 'cam01' }, T0);
  await world.session('cam01', T0, null);
  for (let number = 1; number < 62; number++) {
    if (number === 20 || number === 21) continue;
    await world.capture('cam01', T0 + number * 10 * SECOND, { callback: number !== 30, object: number !== 40 });
  }
  await world.flush();
  world.clock.at = T0 + 10 * MINUTE;
  await world.audit({ domain: DOMAIN });
});

function pack(name: string) {
  const handle = { clock: world.clock, exportEvidence: createEvidenceExport(world.parts), close: async () => {} };
  const window = ['--from', new Date(T0 - MINUTE).toISOString(), '--to', new Date(world.clock.at).toISOString()];
  return runCommand(exportCommand, ['evidence', '--domain', DOMAIN, ...window, '--pack', path.join(directory, name)], {
    openAudit: async () => handle as unknown as AuditHandle,
    openQueries: createTestQueryHandle(database, world.clock.at),
  });
}

const read = (...names: string[]) => readFileSync(path.join(directory, ...names));

describe('an evidence pack', () => {
  it('has a manifest with the SHA-256 sum of every other file in it', async () => {
    const { exitCode, stdout, stderr } = await pack('sums');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toContain('sha256sum --check MANIFEST.sha256');
    const files = readdirSync(path.join(directory, 'sums')).filter((name) => name !== 'MANIFEST.sha256');
    expect(files.toSorted()).toEqual(['evidence.ndjson', 'gaps.csv', 'request.json']);
    const sums = files.map((name) => `${createHash('sha256').update(read('sums', name)).digest('hex')}  ${name}`);
    expect(read('sums', 'MANIFEST.sha256').toString().trimEnd().split('\n').toSorted()).toEqual(sums.toSorted());
  });

  it('is judged offline as the audit judged it, and lists the same gaps', async () => {
    await pack('same');
    const stored = await world.stored();
    expect(new Set(stored.gaps.map(({ verdict }) => verdict))).toEqual(
      new Set(['not_captured', 'callback_missing', 'object_missing']),
    );
    const { stdout } = await runCommand(judgeCommand, [
      path.join(directory, 'same', 'evidence.ndjson'),
      '--format',
      'json',
    ]);
    const judged = JSON.parse(stdout);
    expect(judged.slots).toMatchObject(
      Object.fromEntries(Object.entries(stored.slots).filter(([verdict]) => verdict in judged.slots)),
    );
    expect(judged.slots.ok).toBeGreaterThan(40);
    const shown = ({ from, to, count, verdict, cause }: Record<string, unknown>) => [from, to, count, verdict, cause];
    const inStore = stored.gaps.map((gap) =>
      shown({ ...gap, from: new Date(gap.from).toISOString(), to: new Date(gap.to).toISOString() }),
    );
    expect(judged.gaps.map(shown)).toEqual(inStore);
    const [header, ...lines] = read('same', 'gaps.csv').toString().trimEnd().split('\n');
    const columns = header!.split(',');
    const rows = lines.map((line) =>
      Object.fromEntries(line.split(',').map((value, index) => [columns[index], value])),
    );
    const listed = rows.map((row) => shown({ ...row, count: Number(row.slots) }));
    // Gaps are exported newest first.
    expect(listed.toReversed()).toEqual(inStore);
  });

  it('says in itself where OSS could not be read, and ends with 2', async () => {
    world.bucket.fail('list', 'access-denied', { times: 10, transient: false });
    const { exitCode, stderr } = await pack('blind');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('could not be looked at');
    expect(JSON.parse(read('blind', 'request.json').toString()).error).toContain('could not be looked at');
  });
});

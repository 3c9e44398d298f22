import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AuditHandle } from '../../src/cli/audit-handle.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { createEvidenceExport } from '../../src/usecases/export-evidence.ts';
import { APP, type AuditWorld, createAuditWorld, DOMAIN, T0 } from '../support/audit-world.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const MINUTE = 60_000;
let database: TestDatabase;
let world: AuditWorld;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  world = await createAuditWorld(database);
  world.config();
  await world.alive([T0 - MINUTE, T0 + 60 * MINUTE]);
  world.vendor.startSession({ domain: DOMAIN, app: APP, stream: 'cam01' }, T0);
  await world.session('cam01', T0, null);
  for (let n = 1; n < 62; n++) if (n < 20 || n > 25) await world.capture('cam01', T0 + n * 10_000);
  await world.flush();
  world.clock.at = T0 + 10 * MINUTE;
  await world.audit({ domain: DOMAIN });
});
afterAll(() => database.drop());
it.each([
  ['typo.example.com', '24h', []],
  [DOMAIN.toUpperCase(), '24h', []],
  [DOMAIN, '24h', ['--app', 'nosuch']],
  [DOMAIN, '30s', []],
])('refuses evidence that would judge nothing: %s, %s, %s', async (domain, last, more) => {
  const handle = { clock: world.clock, exportEvidence: createEvidenceExport(world.parts), close: async () => {} };
  const exported = runCommand(exportCommand, ['evidence', '--domain', domain, '--last', last, ...more], {
    openAudit: async () => handle as unknown as AuditHandle,
  });
  await expect(exported).rejects.toThrow(/can be judged|ever seen/);
});

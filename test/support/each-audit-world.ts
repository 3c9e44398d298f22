import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type AuditWorld, createAuditWorld } from './audit-world.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** A world of its own for each test, on one database of the file; `begin` takes it and fills it. */
export function eachAuditWorld(begin: (world: AuditWorld) => void | Promise<void>): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ maxConnections: 10 });
  });
  afterAll(() => database.drop());
  beforeEach(async () => begin(await createAuditWorld(database)));
}

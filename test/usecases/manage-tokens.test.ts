import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokenStore } from '../../src/adapters/postgres/token-store.ts';
import { manageTokens } from '../../src/usecases/manage-tokens.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let now = Date.UTC(2026, 10, 24);
const clock = { now: () => now };
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const create = (environmentToken?: string) =>
  manageTokens({ store: createTokenStore(database), clock, environmentToken: environmentToken ?? null });

describe('manageTokens', () => {
  it('asks for no token while none was ever made', async () => {
    expect(await create().required()).toBe(false);
    expect(await create('from-the-environment').required()).toBe(true);
  });

  it('knows a token by its scope and keeps nothing of it but the hash', async () => {
    const tokens = create();
    const { token, row } = await tokens.create({ name: 'ci', scope: 'operate' });
    expect(token).toMatch(/^sao_[A-Za-z0-9_-]{43}$/);
    expect(await tokens.check(token)).toEqual({ kind: 'token', name: `token ${row.id} (ci)`, scope: 'operate' });
    const stored = await database.db
      .selectFrom('tokens')
      .selectAll()
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow();
    expect(JSON.stringify(stored)).not.toContain(token.slice(8));
    expect(stored.hash).toHaveLength(32);
  });

  it('takes the token of the environment for an admin', async () => {
    const tokens = create('from-the-environment');
    expect(await tokens.check('from-the-environment')).toMatchObject({ kind: 'environment', scope: 'admin' });
    expect(await tokens.check('from-the-environmen')).toBeNull();
  });

  it('refuses a token from the moment on at which it expires', async () => {
    const tokens = create();
    const { token } = await tokens.create({ name: 'short', scope: 'read', expiresAt: now + 10_000 });
    now += 9_999;
    expect(await tokens.check(token)).not.toBeNull();
    now += 1;
    expect(await tokens.check(token)).toBeNull();
  });

  it('hears within a second that another process revoked a token', async () => {
    const here = create();
    const there = create();
    const { token, row } = await there.create({ name: 'gone', scope: 'read' });
    expect(await here.check(token)).not.toBeNull();
    await there.revoke(row.id);
    now += 1_000;
    expect(await here.check(token)).toBeNull();
    await expect(there.revoke(row.id)).rejects.toThrow('no token');
  });

  it('records the last use, to the minute', async () => {
    const tokens = create();
    const { token, row } = await tokens.create({ name: 'used', scope: 'read' });
    const lastUse = async () => (await tokens.list()).find((each) => each.id === row.id)?.lastUsedAt;
    expect(await lastUse()).toBeNull();
    const first = now;
    await tokens.check(token);
    now += 59_999;
    await tokens.check(token);
    expect(await lastUse()).toBe(first);
    now += 1;
    await tokens.check(token);
    expect(await lastUse()).toBe(first + 60_000);
  });

  it('takes as long for a token that is nearly right as for one that is not', async () => {
    const tokens = create();
    const { token } = await tokens.create({ name: 'timed', scope: 'read' });
    await tokens.check(token);
    const candidates = [token, `${token.slice(0, -1)}!`, `sar_${'x'.repeat(43)}`, 'y'.repeat(47)];
    const times: number[][] = candidates.map(() => []);
    for (let round = 0; round < 3_000; round++) {
      for (const [index, candidate] of candidates.entries()) {
        const start = process.hrtime.bigint();
        await tokens.check(candidate);
        times[index]!.push(Number(process.hrtime.bigint() - start));
      }
    }
    const medians = times.map((each) => each.sort((a, b) => a - b)[each.length / 2]!);
    expect(Math.max(...medians) / Math.min(...medians)).toBeLessThan(1.5);
  });
});

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTokenStore } from '../../src/adapters/postgres/token-store.ts';
import { manageTokens } from '../../src/usecases/manage-tokens.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** What was handed to `timingSafeEqual`, in order. */
const compared = vi.hoisted((): [Buffer, Buffer][] => []);
vi.mock('node:crypto', async (importActual) => {
  const actual = await importActual<typeof import('node:crypto')>();
  return {
    ...actual,
    timingSafeEqual(stored: Buffer, given: Buffer) {
      compared.push([stored, given]);
      return actual.timingSafeEqual(stored, given);
    },
  };
});

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

  it('does the same work for every token, so that its time says nothing about it', async () => {
    const store = createTokenStore(database);
    const list = vi.spyOn(store, 'list');
    const tokens = manageTokens({ store, clock, environmentToken: 'from-the-environment' });
    const { token: first } = await tokens.create({ name: 'first', scope: 'read' });
    const { token: revoked, row } = await tokens.create({ name: 'revoked', scope: 'read' });
    const { token: last } = await tokens.create({ name: 'last', scope: 'read' });
    await tokens.revoke(row.id);
    const hashes = (await store.list()).map(({ hash }) => hash);
    // Their last use is on record for this minute, so that no check below writes.
    for (const token of [first, last]) await tokens.check(token);
    const candidates = {
      right: [first, last, 'from-the-environment'],
      wrong: [revoked, `${first.slice(0, -1)}!`, `sar_${'x'.repeat(43)}`, 'y'.repeat(first.length)],
    };
    for (const [kind, each] of Object.entries(candidates)) {
      for (const candidate of each) {
        list.mockClear();
        compared.length = 0;
        now += 1_000;
        expect(await tokens.check(candidate)).toEqual(kind === 'right' ? expect.anything() : null);
        // One reading of the tokens; the hash of the candidate against every hash there is, to the end, in constant time.
        expect(list).toHaveBeenCalledTimes(1);
        expect(compared.map(([stored]) => stored)).toEqual([...hashes, sha256('from-the-environment')]);
        for (const [, given] of compared) expect(given).toEqual(sha256(candidate));
      }
    }
  });
});

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

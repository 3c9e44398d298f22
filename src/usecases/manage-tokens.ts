import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Instant } from '../core/instant.ts';
import { RefusalError } from '../core/refusal.ts';
import type { Scope } from '../core/token-scope.ts';
import type { Clock, TokenRow, TokenStore } from '../ports.ts';

/** What a token begins with, so that people and secret scanners recognise it. */
const PREFIXES: Record<Scope, string> = { read: 'sar_', operate: 'sao_', admin: 'saa_' };
const SECRET_BYTES = 32;
/** A revoked token may be taken for so long by a process that has read the tokens just before. */
const REREAD_AFTER_MS = 1_000;
/** The last use is kept to the minute. */
const TOUCH_EVERY_MS = 60_000;

export interface TokenDeps {
  store: TokenStore;
  clock: Clock;
  /** SNAPAUDIT_API_TOKEN: an admin token that is not stored. */
  environmentToken?: string | null;
}

/** Who a token stands for. */
export interface TokenActor {
  kind: 'token' | 'environment';
  name: string;
  scope: Scope;
}

export function manageTokens({ store, clock, environmentToken = null }: TokenDeps) {
  const environmentHash = environmentToken ? hashOf(environmentToken) : null;
  let known: { rows: (TokenRow & { hash: Buffer })[]; readAt: Instant } | null = null;
  let reading: Promise<(TokenRow & { hash: Buffer })[]> | null = null;

  async function rows(): Promise<(TokenRow & { hash: Buffer })[]> {
    const now = clock.now();
    if (known && now - known.readAt < REREAD_AFTER_MS && now >= known.readAt) return known.rows;
    reading ??= store
      .list()
      .then((all) => {
        known = { rows: all, readAt: now };
        return all;
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  }

  return {
    /** Makes a token and gives it back this once. */
    async create(wanted: {
      name: string;
      scope: Scope;
      expiresAt?: Instant | null;
    }): Promise<{ token: string; row: TokenRow }> {
      const token = PREFIXES[wanted.scope] + randomBytes(SECRET_BYTES).toString('base64url');
      const row = await store.add({
        name: wanted.name,
        scope: wanted.scope,
        hint: token.slice(0, 8),
        hash: hashOf(token),
        createdAt: clock.now(),
        expiresAt: wanted.expiresAt ?? null,
      });
      known = null;
      return { token, row };
    },

    async list(): Promise<TokenRow[]> {
      return (await store.list()).map(({ hash: _, ...row }) => row);
    },

    async revoke(id: number): Promise<void> {
      const revoked = await store.revoke(id, clock.now());
      known = null;
      if (!revoked) throw new RefusalError('not-found', `There is no token ${id} that is in use.`);
    },

    /**
     * Null where the token is not valid. The time does not depend on the token: what is compared is its hash, with all
     * hashes that there are, to the end, in constant time.
     */
    async check(token: string): Promise<TokenActor | null> {
      const hash = hashOf(token);
      const now = clock.now();
      let found: TokenRow | null = null;
      for (const row of await rows()) if (timingSafeEqual(row.hash, hash)) found = row;
      const fromEnvironment = environmentHash !== null && timingSafeEqual(environmentHash, hash);
      if (fromEnvironment) return { kind: 'environment', name: 'environment', scope: 'admin' };
      if (found === null || found.revokedAt !== null || (found.expiresAt ?? Number.POSITIVE_INFINITY) <= now)
        return null;
      if (now - (found.lastUsedAt ?? 0) >= TOUCH_EVERY_MS) {
        found.lastUsedAt = now;
        await store.touch(found.id, now);
      }
      return { kind: 'token', name: `token ${found.id} (${found.name})`, scope: found.scope };
    },

    /** False only where no token was ever made: one that was revoked does not open the service to everyone again. */
    async required(): Promise<boolean> {
      return environmentHash !== null || (await rows()).length > 0;
    },

    /** Whether anyone could call with a token right now; without one the service must stay on loopback. */
    async usable(): Promise<boolean> {
      const now = clock.now();
      if (environmentHash !== null) return true;
      const all = await rows();
      return all.some((row) => row.revokedAt === null && (row.expiresAt ?? Number.POSITIVE_INFINITY) > now);
    },
  };
}

export type Tokens = ReturnType<typeof manageTokens>;

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

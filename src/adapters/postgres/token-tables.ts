import type { Generated } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { Scope } from '../../core/token-scope.ts';

/** Row types of migration 0040. */
export interface TokenTables {
  tokens: {
    id: Generated<number>;
    name: string;
    scope: Scope;
    hint: string;
    hash: Buffer;
    created_at: Generated<Instant>;
    expires_at: Instant | null;
    last_used_at: Instant | null;
    revoked_at: Instant | null;
  };
  operator_log: {
    id: Generated<number>;
    at: Generated<Instant>;
    actor: string;
    action: string;
    target: string;
    detail: unknown | null;
    status: number | null;
    remote_address: string | null;
  };
}

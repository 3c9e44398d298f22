import { type Kysely, sql } from 'kysely';
import type { ConfigFields } from '../../core/config-diff.ts';
import type { ConfigSubject } from '../../core/config-plan.ts';
import type { Baseline } from '../../core/restore-plan.ts';
import { SecretText } from '../../core/secret-text.ts';
import type { ConfigStore } from '../../ports.ts';
import { openSealedText, sealText } from './sealed-text.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

const NO_APP = '';

/** A former key was sealed with a callback key that is no longer set. */
export class SealedKeyError extends Error {
  override readonly name = 'SealedKeyError';
}

type BaselineRows = Pick<
  ConfigStore,
  'baselines' | 'takenOver' | 'rememberBaselines' | 'resealBaselines' | 'forgetBaselines'
>;

/** The part of the config store that remembers what stood before us. */
export function createBaselineRows(db: Kysely<Tables>, sealingKeys: readonly string[]): BaselineRows {
  const seal = (key: SecretText | null): string | null => {
    if (key === null) return null;
    const secret = sealingKeys[0];
    if (secret === undefined) {
      throw new SealedKeyError(
        'SNAPAUDIT_CALLBACK_KEY is not set: the former callback key cannot be kept safely without it.',
      );
    }
    return sealText(key.reveal(), secret);
  };
  const open = (sealed: string | null, domain: string): SecretText | null => {
    if (sealed === null) return null;
    const text = openSealedText(sealed, sealingKeys);
    if (text !== null) return new SecretText(text);
    throw new SealedKeyError(
      `The former callback key of ${domain} was sealed with a key that is no longer set: set SNAPAUDIT_CALLBACK_KEY_PREVIOUS to the callback key of that time.`,
    );
  };

  return {
    async baselines(domain) {
      const rows = await db
        .selectFrom('config_baselines')
        .selectAll()
        .where('domain', '=', domain)
        .orderBy('kind')
        .orderBy('app')
        .execute();
      return rows.map((row): Baseline => {
        const common = { domain, rememberedAt: row.remembered_at };
        const key = () => open(row.sealed_key, domain);
        switch (row.kind) {
          case 'config':
            return { ...common, kind: row.kind, app: row.app, former: row.former as ConfigFields | null };
          case 'callback_auth': {
            const { enabled } = row.former as { enabled: boolean };
            return { ...common, kind: row.kind, app: null, former: { enabled, key: key() } };
          }
          case 'push_notify': {
            const { pushDomain, url, enabled } = row.former as {
              pushDomain: string;
              url: string | null;
              enabled: boolean;
            };
            return { ...common, kind: row.kind, app: null, pushDomain, former: { url, auth: { enabled, key: key() } } };
          }
          default:
            throw new Error(`unknown baseline ${String(row.kind satisfies never)}`);
        }
      });
    },

    async takenOver(domain) {
      const rows = await db
        .selectFrom('config_baselines')
        .select(['kind', 'app'])
        .where('domain', '=', domain)
        .execute();
      return rows.map(({ kind, app }) => ({ kind, domain, app: app === NO_APP ? null : app }));
    },

    async rememberBaselines(baselines) {
      for (const baseline of baselines) {
        const { former, sealedKey } = baselineColumns(baseline, seal);
        await db
          .insertInto('config_baselines')
          .values({
            domain: baseline.domain,
            kind: baseline.kind,
            app: baseline.app ?? NO_APP,
            former: former === null ? null : JSON.stringify(former),
            sealed_key: sealedKey,
            remembered_at: timestamp(baseline.rememberedAt),
          })
          .onConflict((conflict) => conflict.columns(['domain', 'kind', 'app']).doNothing())
          .execute();
      }
    },

    async resealBaselines(domain) {
      const secret = sealingKeys[0];
      if (secret === undefined) return;
      const rows = await db
        .selectFrom('config_baselines')
        .select(['kind', 'app', 'sealed_key'])
        .where('domain', '=', domain)
        .execute();
      for (const { kind, app, sealed_key } of rows) {
        if (sealed_key === null || openSealedText(sealed_key, [secret]) !== null) continue;
        const text = openSealedText(sealed_key, sealingKeys);
        if (text === null) continue;
        const subject = { kind, domain, app: app === NO_APP ? null : app };
        await db
          .updateTable('config_baselines')
          .set({ sealed_key: sealText(text, secret) })
          .where(whereSubject(subject))
          .execute();
      }
    },

    async forgetBaselines(subjects) {
      for (const subject of subjects) await db.deleteFrom('config_baselines').where(whereSubject(subject)).execute();
    },
  };
}

function whereSubject(subject: ConfigSubject) {
  return sql<boolean>`domain = ${subject.domain} and kind = ${subject.kind} and app = ${subject.app ?? NO_APP}`;
}

function baselineColumns(baseline: Baseline, seal: (key: SecretText | null) => string | null) {
  switch (baseline.kind) {
    case 'config':
      return { former: baseline.former, sealedKey: null };
    case 'callback_auth':
      return { former: { enabled: baseline.former.enabled }, sealedKey: seal(baseline.former.key) };
    case 'push_notify': {
      const { url, auth } = baseline.former;
      return { former: { pushDomain: baseline.pushDomain, url, enabled: auth.enabled }, sealedKey: seal(auth.key) };
    }
    default:
      throw new Error(`unknown baseline ${JSON.stringify(baseline satisfies never)}`);
  }
}

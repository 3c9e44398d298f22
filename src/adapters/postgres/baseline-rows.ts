import { type Kysely, sql } from 'kysely';
import type { ConfigFields } from '../../core/config-diff.ts';
import type { ConfigSubject, SubjectKind } from '../../core/config-plan.ts';
import type { Baseline } from '../../core/restore-plan.ts';
import { SecretText } from '../../core/secret-text.ts';
import { type ConfigStore, SealedKeyError } from '../../ports.ts';
import { openSealedText, sealText } from './sealed-text.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

/** How the table writes that a subject has no app, or no ingest domain. */
const NO_APP = '';
const NO_PUSH_DOMAIN = '';

type BaselineRows = Pick<
  ConfigStore,
  | 'baselines'
  | 'baselineDomains'
  | 'takenOver'
  | 'rememberBaselines'
  | 'correctBaselines'
  | 'resealBaselines'
  | 'noteAddingAgain'
  | 'markGivenBack'
  | 'forgetBaselines'
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
            return {
              ...common,
              kind: row.kind,
              app: row.app,
              former: row.former as ConfigFields | null,
              isGivenBack: row.given_back,
              addingAgain: row.adding_again as ConfigFields | null,
            };
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

    async baselineDomains() {
      const rows = await db.selectFrom('config_baselines').select('domain').distinct().orderBy('domain').execute();
      return rows.map(({ domain }) => domain);
    },

    async takenOver(domain) {
      const rows = await db
        .selectFrom('config_baselines')
        .select(['kind', 'app', 'push_domain'])
        .where('domain', '=', domain)
        .where('given_back', '=', false)
        .execute();
      return rows.map((row) => subjectOfRow(domain, row));
    },

    async rememberBaselines(baselines) {
      // All or none: what cannot be sealed must not leave a domain taken over in part.
      const sealed = baselines.map((baseline) => ({ baseline, ...baselineColumns(baseline, seal) }));
      for (const { baseline, former, sealedKey } of sealed) {
        await db
          .insertInto('config_baselines')
          .values({
            domain: baseline.domain,
            kind: baseline.kind,
            app: baseline.app ?? NO_APP,
            push_domain: baseline.kind === 'push_notify' ? baseline.pushDomain : NO_PUSH_DOMAIN,
            former: former === null ? null : JSON.stringify(former),
            sealed_key: sealedKey,
            remembered_at: timestamp(baseline.rememberedAt),
          })
          .onConflict((conflict) =>
            conflict
              .columns(['domain', 'kind', 'app', 'push_domain'])
              // Of what was given back only the callback is taken over anew; where nothing had stood, all of it, if it calls somebody by now.
              .doUpdateSet({
                given_back: false,
                former: sql`case
                  when config_baselines.former is null and excluded.former ->> 'callback' is not null then excluded.former
                  else config_baselines.former || jsonb_build_object('callback', coalesce(excluded.former, config_baselines.former) -> 'callback')
                end`,
              })
              .where('config_baselines.given_back', '=', true),
          )
          .execute();
      }
    },

    async correctBaselines(baselines) {
      for (const baseline of baselines) {
        if (baseline.kind !== 'config' || baseline.former === null) continue;
        await db
          .updateTable('config_baselines')
          .set({ former: JSON.stringify(baseline.former) })
          .where(whereSubject(baseline))
          .where('former', 'is', null)
          .execute();
      }
    },

    async resealBaselines(domain) {
      const secret = sealingKeys[0];
      if (secret === undefined) return;
      const rows = await db
        .selectFrom('config_baselines')
        .select(['kind', 'app', 'push_domain', 'sealed_key'])
        .where('domain', '=', domain)
        .execute();
      for (const { sealed_key, ...row } of rows) {
        if (sealed_key === null || openSealedText(sealed_key, [secret]) !== null) continue;
        const text = openSealedText(sealed_key, sealingKeys);
        if (text === null) continue;
        await db
          .updateTable('config_baselines')
          .set({ sealed_key: sealText(text, secret) })
          .where(whereSubject(subjectOfRow(domain, row)))
          .execute();
      }
    },

    async noteAddingAgain(subject, config) {
      await db
        .updateTable('config_baselines')
        .set({ adding_again: JSON.stringify(config) })
        .where(whereSubject(subject))
        .execute();
    },

    async markGivenBack(subjects) {
      for (const subject of subjects) {
        await db
          .updateTable('config_baselines')
          .set({ given_back: true, adding_again: null })
          .where(whereSubject(subject))
          .execute();
      }
    },

    async forgetBaselines(subjects) {
      for (const subject of subjects) await db.deleteFrom('config_baselines').where(whereSubject(subject)).execute();
    },
  };
}

function subjectOfRow(domain: string, row: { kind: SubjectKind; app: string; push_domain: string }): ConfigSubject {
  const subject = { kind: row.kind, domain, app: row.app === NO_APP ? null : row.app };
  return row.push_domain === NO_PUSH_DOMAIN ? subject : { ...subject, pushDomain: row.push_domain };
}

function whereSubject({ domain, kind, app, pushDomain }: ConfigSubject) {
  return sql<boolean>`domain = ${domain} and kind = ${kind} and app = ${app ?? NO_APP}
    and push_domain = ${pushDomain ?? NO_PUSH_DOMAIN}`;
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

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/** What all migrations together amount to stands in schema.txt, so that a change of it is read like code. Renew with `vitest -u`. */
const DESCRIBE = `
  select line from (
    select table_name as owner, 1 as kind, ordinal_position as place,
      format('  %s %s%s%s', column_name, udt_name, case is_nullable when 'NO' then ' not null' else '' end,
        coalesce(' default ' || column_default, '')) as line
    from information_schema.columns where table_schema = 'public'
    union all
    select relname, 0, 0, format('%s%s', relname, coalesce(' ' || pg_get_partkeydef(oid), ''))
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    union all
    select conrelid::regclass::text, 2, 0, format('  %s: %s', conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
    union all
    select tablename, 3, 0, format('  %s', indexdef) from pg_indexes where schemaname = 'public'
  ) described
  where owner not like 'kysely_%'
  order by owner collate "C", kind, place, line collate "C"`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('the schema after all migrations is the one that is written down', async () => {
  const { rows } = await database.pool.query<{ line: string }>(DESCRIBE);
  await expect(`${rows.map(({ line }) => line).join('\n')}\n`).toMatchFileSnapshot('./schema.txt');
});

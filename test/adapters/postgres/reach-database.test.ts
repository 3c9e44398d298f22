import { describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/postgres/database.ts';
import { reachDatabase } from '../../../src/adapters/postgres/reach-database.ts';

async function sentenceFor(change: (url: URL) => void): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  change(url);
  return sentenceOf(url.href);
}

async function sentenceOf(url: string): Promise<string> {
  const database = openDatabase({ url, maxConnections: 1 });
  try {
    await reachDatabase(database);
    return 'reached';
  } catch (error) {
    return (error as Error).message;
  } finally {
    await database.close();
  }
}

describe('reachDatabase', () => {
  it('is silent when the database answers', async () => {
    expect(await sentenceFor(() => {})).toBe('reached');
  });

  it('says in one sentence that nothing listens, that the database is missing, that the password is wrong', async () => {
    expect(
      await sentenceFor((url) => {
        url.port = '1';
      }),
    ).toMatch(/cannot be used: nothing listens there\. Start PostgreSQL, or correct DATABASE_URL\.$/);
    expect(
      await sentenceFor((url) => {
        url.pathname = '/not_there';
      }),
    ).toMatch(/^The database not_there at .* there is no such database\. Create it/);
    const refused = await sentenceFor((url) => {
      url.username = 'nobody_here';
      url.password = 'hunter2';
    });
    expect(refused).toMatch(/refuses the user or the password/);
    expect(refused).not.toContain('hunter2');
  });

  it('names this machine where the URL has no host', async () => {
    expect(await sentenceOf('postgres:///not_there')).toMatch(/^The database not_there at localhost cannot be used: /);
  });
});

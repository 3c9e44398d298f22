import { expect, it } from 'vitest';
import { createAlertingWorld, DOMAIN, START } from '../support/alerting-world.ts';
import { addSession, addStream } from '../support/history.ts';

it('an audit that does not get on is told of the domains of the settings, and of none that has left them', async () => {
  const world = await createAlertingWorld({ apps: { live: 1 }, alerting: { auditStalledAfter: '60s' } });
  try {
    const left = await addStream(world.database, 'left.example.com', 'live', 'cam');
    await addSession(world.database, left, START - 3_600_000, null);
    await world.pass({ seconds: 120 });
    const { rows } = await world.database.pool.query("select domain from incidents where kind = 'audit_stalled'");
    expect(rows).toEqual([{ domain: DOMAIN }]);
  } finally {
    await world.close();
  }
}, 60_000);

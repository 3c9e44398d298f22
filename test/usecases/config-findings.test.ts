import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createAlertingFacts } from '../../src/adapters/postgres/alerting-facts.ts';
import type { ConfigFinding } from '../../src/ports.ts';
import { type AlertingWorld, createAlertingWorld, DOMAIN, START } from '../support/alerting-world.ts';

const DAY = 86_400_000;

let world: AlertingWorld;
beforeAll(async () => {
  world = await createAlertingWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.pool.query('delete from findings');
  world.set(START);
});

const drift = (app: string | null, key = 'config', domain = DOMAIN): ConfigFinding => ({
  kind: 'config_drift',
  domain,
  app,
  key,
  found: { code: 'config-missing', subject: { kind: 'config', domain, app } },
  detail: 'It differs.',
  at: START,
});
const standing = async () => {
  const found = await createAlertingFacts(world.database).findings(world.now());
  return found
    .filter(({ reported }) => reported)
    .map(({ kind, scope, key }) => `${kind} ${scope.domain} ${scope.app} ${key}`)
    .sort();
};

it('what the next look at a domain does not find any more is over, there and of the kinds that it looks for', async () => {
  const { configFindings, sink } = world.alerting;
  await configFindings.reportDomain('other.example.com', [drift('live', 'config', 'other.example.com')]);
  await configFindings.reportDomain(DOMAIN, [drift('live'), drift('shop'), drift(null, 'callback_auth')]);
  await sink.report({ kind: 'spool_not_draining', domain: DOMAIN, active: true });
  await configFindings.reportDomain(DOMAIN, [drift('shop'), drift(null, 'push_notify')]);
  expect(await standing()).toEqual([
    'config_drift other.example.com live config',
    `config_drift ${DOMAIN} null push_notify`,
    `config_drift ${DOMAIN} shop config`,
    `spool_not_draining ${DOMAIN} null `,
  ]);
  await configFindings.reportDomain(DOMAIN, []);
  expect(await standing()).toEqual([
    'config_drift other.example.com live config',
    `spool_not_draining ${DOMAIN} null `,
  ]);
});

it('what could not be looked at does not recover by that, however long it lasts', async () => {
  const { configFindings } = world.alerting;
  await configFindings.reportDomain(DOMAIN, [drift('live')]);
  for (let hours = 0; hours < 49; hours += 7) {
    world.set(START + hours * 3_600_000);
    await configFindings.keepDomain(DOMAIN);
  }
  expect(await standing()).toEqual([`config_drift ${DOMAIN} live config`]);
  // Nobody looks at all any more, as where the domain left the settings.
  world.set(world.now() + DAY + 1);
  expect(await standing()).toEqual([]);
});

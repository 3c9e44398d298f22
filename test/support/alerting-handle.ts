import { createExcusedStore } from '../../src/adapters/postgres/excused-store.ts';
import { createIncidentStore } from '../../src/adapters/postgres/incident-store.ts';
import { createMaintenanceStore } from '../../src/adapters/postgres/maintenance-store.ts';
import { createNotificationStore } from '../../src/adapters/postgres/notification-store.ts';
import { createSilenceStore } from '../../src/adapters/postgres/silence-store.ts';
import { ChannelError, type Clock } from '../../src/ports.ts';
import { type AlertingHandle, createAlertingHandle } from '../../src/usecases/manage-alerting.ts';
import type { TestDatabase } from './database.ts';

/** What people do with alerting, with two channels that go nowhere: `works` and `broken`. */
export function createTestAlerting(database: TestDatabase, clock: Clock): AlertingHandle {
  return createAlertingHandle({
    clock,
    incidents: createIncidentStore(database),
    notifications: createNotificationStore(database),
    silences: createSilenceStore(database),
    maintenance: createMaintenanceStore(database),
    excused: createExcusedStore(database),
    channels: [
      { name: 'works', type: 'slack' },
      { name: 'broken', type: 'email' },
    ],
    disabled: async (name) =>
      name === 'broken' ? { at: clock.now(), reason: 'The mail server said \u001b[1mno.' } : null,
    testChannel: async (name) => {
      if (name === 'broken') throw new ChannelError('The mail server said no.', { failure: 'permanent' });
    },
  });
}

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { createExcusedStore } from '../../src/adapters/postgres/excused-store.ts';
import { createCaptureExports } from '../../src/adapters/postgres/export-captures.ts';
import { createIncidentStore } from '../../src/adapters/postgres/incident-store.ts';
import { createMaintenanceStore } from '../../src/adapters/postgres/maintenance-store.ts';
import { createNotificationStore } from '../../src/adapters/postgres/notification-store.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { createSilenceStore } from '../../src/adapters/postgres/silence-store.ts';
import { alertingRoutes } from '../../src/http/api/alerting-routes.ts';
import { configControlRoutes } from '../../src/http/api/config-control-routes.ts';
import type { Route } from '../../src/http/api/define-route.ts';
import { exportRoutes } from '../../src/http/api/export-routes.ts';
import { quarantineControlRoutes } from '../../src/http/api/quarantine-routes.ts';
import { PicturePainter } from '../../src/sandbox/broadcast/picture.ts';
import { controlConfigs } from '../../src/usecases/control-configs.ts';
import { deliveryReports } from '../../src/usecases/delivery-report.ts';
import { exportHistory } from '../../src/usecases/export-history.ts';
import { createAlertingHandle } from '../../src/usecases/manage-alerting.ts';
import { createQueries } from '../../src/usecases/query-history.ts';
import { launchBrowser, type PageLook, watchedPage } from './browser.ts';
import { type ConfigWorld, createConfigWorld, settingsFor, theirConfig } from './config-world.ts';
import { startTestDashboard, type TestDashboard } from './dashboard.ts';
import { type PlantedDay, plantAudits, plantDay, plantIncident, plantNewest, plantRejected } from './dashboard-data.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createTestQuarantine } from './query-handle.ts';

/** Pictures that are painted with their own time: so many on either side of where one looks. */
const PAINTED_AROUND = 8;
const INTERVAL_MS = 10_000;

export interface DashboardWorld {
  database: TestDatabase;
  dashboard: TestDashboard;
  browser: Browser;
  configs: ConfigWorld;
  day: PlantedDay;
  /** Those that a page may ask. */
  hosts: string[];
  /** All that the service answers beyond the history, for another dashboard over the same database. */
  routes: Route[];
  /** Opens a page, runs the task, and fails on anything that the page or the service complained of. */
  visit(address: string, task: (page: Page) => Promise<void>, look?: PageLook): Promise<void>;
  /** As broadcasters do: everything that is on air has its newest capture now. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

/** A day of delivery with every fault in it, the whole service over it, and a browser to look with. */
export async function createDashboardWorld(): Promise<DashboardWorld> {
  const database = await createTestDatabase();
  const configs = await createConfigWorld(database);
  configs.state.putConfig(theirConfig('live', { intervalSeconds: 30 }));
  const now = Date.now();
  // What is applied is applied now, in the midst of the sessions of the day.
  configs.advance(now - configs.now());
  const day = await plantDay(database, now);
  await plantAudits(database, now);
  await plantIncident(database, 'cam-door', now);
  await plantRejected(database, 'cam-garage', now);
  const routes = serviceRoutes(database, configs);
  const dashboard = await startTestDashboard(database, { moreRoutes: routes });
  await paintPictures(dashboard, day);
  const hosts = [new URL(dashboard.url).host, new URL(dashboard.ossUrl).host];
  const browser = await launchBrowser();
  return {
    database,
    dashboard,
    browser,
    configs,
    day,
    hosts,
    routes,
    async visit(address, task, look = {}) {
      const { page, context, complaints } = await watchedPage(browser, hosts, look);
      try {
        await page.goto(dashboard.url + address);
        await task(page);
        expect(complaints).toEqual([]);
        expect(dashboard.errors).toEqual([]);
      } finally {
        await context.close();
      }
    },
    async catchUp() {
      const planted = day.objects.length;
      await plantNewest(database, day, Date.now());
      await paintPictures(dashboard, { ...day, objects: day.objects.slice(planted) });
    },
    async close() {
      await browser.close();
      await dashboard.close();
      await database.drop();
    },
  };
}

/** What the service answers beyond the history. */
export function serviceRoutes(database: TestDatabase, configs: ConfigWorld): Route[] {
  const clock = { now: () => Date.now() };
  const reads = createHistoryReads(database);
  const alerting = createAlertingHandle({
    clock,
    incidents: createIncidentStore(database),
    notifications: createNotificationStore(database),
    silences: createSilenceStore(database),
    maintenance: createMaintenanceStore(database),
    excused: createExcusedStore(database),
    channels: [],
    disabled: async () => null,
    testChannel: async () => {},
  });
  return [
    ...alertingRoutes(alerting, clock),
    ...configControlRoutes(controlConfigs(configs.ports, settingsFor([{ app: 'live' }]))),
    ...exportRoutes(
      exportHistory({
        reads: { ...reads, ...createCaptureExports(database) },
        queries: createQueries({ reads, clock }),
        clock,
      }),
      deliveryReports({ reads, clock }),
    ),
    ...quarantineControlRoutes(createTestQuarantine(database)),
  ];
}

/** Painting thousands would take minutes: what nobody looks at is one empty picture. */
async function paintPictures(dashboard: TestDashboard, day: PlantedDay): Promise<void> {
  const painter = new PicturePainter({ perSecond: Number.POSITIVE_INFINITY });
  const empty = new PicturePainter({ perSecond: 0 });
  const gapAt = new Map(day.faulty.map((each) => [each.name, each.gapAt]));
  const newestAt = new Map(day.objects.map(({ stream, at }) => [stream, at]));
  for (const { key, app, stream, at } of day.objects) {
    const seen = [gapAt.get(stream), newestAt.get(stream)].some(
      (middle) => middle !== undefined && Math.abs(at - middle) <= PAINTED_AROUND * INTERVAL_MS,
    );
    dashboard.putPicture(key, await (seen ? painter : empty).paint({ app, stream }, at), at);
  }
}

/** `SNAPAUDIT_SCREENSHOTS=1` makes the pictures of the README anew; `=all` one of every page. */
const SCREENSHOTS = path.join(import.meta.dirname, '../browser/screenshots');
const WANTED = process.env.SNAPAUDIT_SCREENSHOTS ?? '';
const IN_README = ['wall', 'wall-dark', 'stream', 'slot', 'wall-phone'];

export async function shoot(page: Page, name: string): Promise<void> {
  if (WANTED !== 'all' && !(WANTED && IN_README.includes(name))) return;
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
}

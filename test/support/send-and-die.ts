import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { createAlerting } from '../../src/compose/alerting.ts';
import { settingsSchema } from '../../src/config/settings.ts';

/** A process that sends what is due and is killed while it does: argv is database URL, webhook URL, secret, now. */
const [databaseUrl = '', url = '', secret = '', now = ''] = process.argv.slice(2);
const settings = settingsSchema.parse({
  domains: [
    {
      domain: 'play.example.com',
      apps: [
        {
          app: '*',
          interval: '10s',
          bucket: 'bucket-a',
          endpoint: 'oss.example.com',
          overwriteObject: '{AppName}/{StreamName}.jpg',
        },
      ],
    },
  ],
  notify: [{ name: 'hook', type: 'webhook', url, secret }],
  alerting: { allowPrivate: true },
});
const alerting = createAlerting({
  database: openDatabase({ url: databaseUrl }),
  clock: { now: () => Number(now) },
  settings,
  secrets: { variable: () => undefined, file: () => '' },
  publicUrl: null,
  configVersions: async () => [],
  logger: console,
});
await alerting.sendAll();

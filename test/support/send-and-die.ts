import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { createAlerting } from '../../src/compose/alerting.ts';
import { settingsSchema } from '../../src/config/settings.ts';

/**
 * A process that sends what is due and is killed while it does: argv is database URL, webhook URL, secret, now and, where it is to
 * kill itself, the point: `claimed` (nothing is sent yet) or `answered` (nothing is noted yet).
 */
const [databaseUrl = '', url = '', secret = '', now = '', point = ''] = process.argv.slice(2);
/** A delivery looks at the clock twice: right after the claim, and right before it notes the success. */
const dieAt = { claimed: 1, answered: 2 }[point];
let looks = 0;
const clock = {
  now() {
    if (/\bat (async )?deliver\b/.test(new Error().stack ?? '') && ++looks === dieAt)
      process.kill(process.pid, 'SIGKILL');
    return Number(now);
  },
};
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
  clock,
  settings,
  secrets: { variable: () => undefined, file: () => '' },
  publicUrl: null,
  configVersions: async () => [],
  logger: console,
});
await alerting.sendAll();

import path from 'node:path';
import { createConfigStore } from '../adapters/postgres/config-store.ts';
import { reportDatabase } from '../adapters/postgres/database-report.ts';
import { lastSignedHost } from '../adapters/postgres/last-signed-host.ts';
import { createOperatorLog } from '../adapters/postgres/operator-log.ts';
import { askSpoolDepth, createHttpProbe } from '../adapters/probe/http-probe.ts';
import { lookAtSpool } from '../adapters/spool/look-at-spool.ts';
import type { ConfigHandle, DoctorHandle } from '../cli/config-handle.ts';
import { type Environment, openStorage, systemClock } from '../compose.ts';
import { type Config, ConfigurationError } from '../config/env.ts';
import { loadSettings } from '../config/load-settings.ts';
import { SecretText } from '../core/secret-text.ts';
import { desiredDomains } from '../usecases/desired-domains.ts';
import { type DoctorLine, fail, ok } from '../usecases/doctor-line.ts';
import { checkSpool } from '../usecases/doctor-spool.ts';
import { forwardsToOurselves } from '../usecases/forward-callback.ts';
import { sealingKeys } from './callback-trust.ts';
import { createVendor } from './vendor.ts';

const LIVE_URL = 'https://live.aliyuncs.com';
/** Of the settings, where these could not be read. */
const DEFAULT_CLOCK_WINDOW_SECONDS = 300;

/** Configs for the commands: the vendor and the database, without a running service. */
export async function openConfigControl({ config, secrets }: Environment): Promise<ConfigHandle> {
  const settings = await loadSettings(config.settingsFile);
  if (config.publicUrl === null) throw noPublicUrl();
  const loops = forwardsToOurselves(settings, config.publicUrl);
  if (loops.length > 0) throw new ConfigurationError('Configs cannot be planned:', loops);
  const storage = await openStorage({ config });
  const vendor = createVendor(config, { database: storage.database });
  return {
    ports: {
      live: vendor.live,
      store: createConfigStore(storage.database, { sealingKeys: sealingKeys(secrets) }),
      clock: systemClock,
    },
    operatorLog: createOperatorLog(storage.database),
    settings,
    settingsFile: config.settingsFile,
    desired: desiredDomains(settings, { publicUrl: config.publicUrl, callbackKey: secrets.callbackKey }),
    publicUrl: config.publicUrl,
    previousKey: secrets.callbackKeyPrevious === null ? null : new SecretText(secrets.callbackKeyPrevious),
    async close() {
      await vendor.close();
      await storage.close();
    },
  };
}

/** As far as it can be opened; what cannot is a line that says so. */
export async function openDoctor(readEnvironment: () => Environment): Promise<DoctorHandle> {
  const lines: DoctorLine[] = [];
  const attempt = async <T>(check: string, remedy: string, run: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await run();
    } catch (error) {
      lines.push(fail(check, error instanceof Error ? error.message : String(error), remedy));
      return null;
    }
  };
  const environment = await attempt('environment', 'Correct the variables named.', readEnvironment);
  if (!environment) return { lines, subject: null, close: async () => {} };
  const { config, secrets } = environment;
  const { publicUrl } = config;
  if (publicUrl === null) lines.push(fail('environment', 'SNAPAUDIT_PUBLIC_URL is not set', PUBLIC_URL_REMEDY));
  else lines.push(ok('environment', 'read'));
  const settings = await attempt('settings', 'Correct the lines named.', () => loadSettings(config.settingsFile));
  const loops = settings && publicUrl !== null ? forwardsToOurselves(settings, publicUrl) : [];
  if (loops.length > 0) lines.push(fail('settings', loops.join('; '), 'Correct the lines named.'));
  else if (settings) lines.push(ok('settings', `${settings.domains.length} domains in ${config.settingsFile}`));
  const url = localUrl(config);
  lines.push(
    ...(await checkSpool({
      look: () => lookAtSpool(path.join(config.dataDir, 'spool')),
      ask: () => askSpoolDepth(url),
      url,
      now: systemClock.now(),
    })),
  );
  // It looks only: whether the schema is up to date is one of the things to say.
  const storage = await attempt('database', 'See the sentence before.', () =>
    openStorage({ config }, { migrate: false }),
  );
  const { callbackKey } = secrets;
  const vendor = createVendor(config, { database: storage?.database ?? null });
  return {
    lines,
    subject: {
      ports: {
        live: vendor.live,
        store: storage && createConfigStore(storage.database, { sealingKeys: sealingKeys(secrets) }),
        clock: systemClock,
        buckets: vendor.buckets,
        probe: createHttpProbe(),
        database: storage && (() => reportDatabase(storage.database)),
        signedHost: storage && (() => lastSignedHost(storage.database)),
      },
      desired: settings ? desiredDomains(settings, { publicUrl: publicUrl ?? '', callbackKey }) : [],
      publicUrl,
      key: callbackKey === null ? null : new SecretText(callbackKey),
      clockWindowSeconds: settings?.callbacks.clockWindowSeconds ?? DEFAULT_CLOCK_WINDOW_SECONDS,
      liveUrl: config.liveEndpoint ?? LIVE_URL,
    },
    async close() {
      await vendor.close();
      await storage?.close();
    },
  };
}

/** Where a service with this environment answers on this machine. */
function localUrl({ host, port }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

const PUBLIC_URL_REMEDY =
  'Set it to the base under which the vendor reaches this service, e.g. https://audit.example.com.';

function noPublicUrl(): ConfigurationError {
  return new ConfigurationError('Configs cannot be planned:', [
    `SNAPAUDIT_PUBLIC_URL is not set. ${PUBLIC_URL_REMEDY}`,
  ]);
}

import { createConfigStore } from '../../src/adapters/postgres/config-store.ts';
import type { Database } from '../../src/adapters/postgres/database.ts';
import { parseSettings } from '../../src/config/load-settings.ts';
import type { DesiredDomain } from '../../src/core/config-plan.ts';
import type { ConfigFinding, ConfigStore, FindingSink, LiveApi } from '../../src/ports.ts';
import { VendorState } from '../../src/sandbox/live/vendor-state.ts';
import { desiredDomains } from '../../src/usecases/desired-domains.ts';
import type { WatchPorts } from '../../src/usecases/watch-drift.ts';
import { createFakeLiveApi, type FakeLiveApiOptions } from './fake-live-api.ts';

export const PLAY = 'play.example.com';
export const PUSH = 'push.example.com';
export const OUR_KEY = 'ourkeyourkeyourkey01';
export const OUR_CALLBACK = 'https://audit.example.com/callbacks/snapshot';
export const OUR_STREAM_CALLBACK = 'https://audit.example.com/callbacks/stream';
export const THEIR_CALLBACK = 'https://old.example.com/cb';
export const SEQUENCE = '{AppName}/{StreamName}/{UnixTimestamp}.jpg';

/** A config as it might have stood before us. */
export function theirConfig(app: string, changes: Partial<ReturnType<typeof baseConfig>> = {}) {
  return { ...baseConfig(app), ...changes };
}

function baseConfig(app: string) {
  return {
    domain: PLAY,
    app,
    intervalSeconds: 10,
    bucket: 'my-bucket',
    endpoint: 'oss-cn-shanghai.aliyuncs.com',
    sequenceObject: SEQUENCE as string | null,
    overwriteObject: null as string | null,
    callback: THEIR_CALLBACK as string | null,
  };
}

/** Settings for apps of one domain, as a person would write them. `extra` are further YAML lines of each app. */
export function settingsFor(
  apps: { app: string; interval?: string; extra?: string[] }[],
  options: { mode?: 'observe' | 'enforce'; domain?: string; pushDomain?: string | null } = {},
): DesiredDomain[] {
  const { mode = 'observe', domain = PLAY, pushDomain = PUSH } = options;
  const text = [
    'domains:',
    `  - domain: ${domain}`,
    ...(pushDomain === null ? [] : [`    pushDomain: ${pushDomain}`]),
    `    mode: ${mode}`,
    '    apps:',
    ...apps.flatMap(({ app, interval = '10s', extra = [] }) => [
      `      - app: "${app}"`,
      `        interval: ${interval}`,
      '        bucket: my-bucket',
      '        endpoint: oss-cn-shanghai.aliyuncs.com',
      `        sequenceObject: "${SEQUENCE}"`,
      ...extra.map((line) => `        ${line}`),
    ]),
  ].join('\n');
  return desiredDomains(parseSettings(text, 'test.yaml'), {
    publicUrl: 'https://audit.example.com',
    callbackKey: OUR_KEY,
  });
}

const TABLES = [
  'config_versions',
  'config_baselines',
  'config_states',
  'config_heals',
  'callback_key_changes',
  'settings_in_force',
  'sessions',
  'streams',
];

export interface ConfigWorld {
  state: VendorState;
  ports: WatchPorts;
  store: ConfigStore;
  findings: ToldFinding[];
  now(): number;
  advance(ms: number): void;
  /** Another replica's view of the same vendor and database. */
  replica(options?: FakeLiveApiOptions): WatchPorts;
}

export type ToldFinding = ConfigFinding & { active: boolean };

/** Notes each report, and each end as it follows from the next report of the domain. */
function recordingSink(told: ToldFinding[]): FindingSink {
  const nameOf = ({ kind, domain, app, key }: ConfigFinding) => JSON.stringify([kind, domain, app, key]);
  const standing = new Map<string, ConfigFinding>();
  return {
    async reportDomain(domain, findings) {
      const names = new Set(findings.map(nameOf));
      told.push(...findings.map((finding) => ({ ...finding, active: true })));
      for (const [name, finding] of standing) {
        if (finding.domain !== domain || names.has(name)) continue;
        standing.delete(name);
        told.push({ ...finding, active: false });
      }
      for (const finding of findings) standing.set(nameOf(finding), finding);
    },
    keepDomain: async () => {},
  };
}

/** The vendor (fake) and the database (real), with one clock for both. */
export async function createConfigWorld(database: Database, options: FakeLiveApiOptions = {}): Promise<ConfigWorld> {
  // Deleting a few rows is much faster than truncating tables.
  for (const table of TABLES) await database.pool.query(`delete from ${table}`);
  let now = Date.UTC(2026, 10, 24, 12);
  const clock = { now: () => now };
  const state = new VendorState(clock);
  state.addDomain({ domain: PLAY, pushDomains: [PUSH] });
  const store = createConfigStore(database, { sealingKeys: [OUR_KEY] });
  const findings: ToldFinding[] = [];
  const sink = recordingSink(findings);
  const portsOver = (live: LiveApi): WatchPorts => ({ live, store, clock, findings: sink });
  return {
    state,
    store,
    findings,
    ports: portsOver(createFakeLiveApi(state, options)),
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    replica: (own = {}) => portsOver(createFakeLiveApi(state, own)),
  };
}

/** Everything that stands at the vendor for the domain, without the times. */
export function standing(state: VendorState, domain = PLAY, pushDomain = PUSH) {
  return {
    configs: state.configs(domain).map(({ createdAtMs: _, ...config }) => config),
    auth: state.callbackAuth(domain),
    push: state.pushNotify(pushDomain),
  };
}

import type { NameStyle, PlannedConfig, Setting } from './plan.ts';
import type { Random } from './random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const OURS = 'https://audit.example.com/callbacks/snapshot';
const THEIRS = 'https://somebody-else.example.net/hook';
/** Every scenario plays around this day. */
const EPOCH = Date.UTC(2026, 10, 20);

/** Names that trip a careless matcher: one a prefix of another, digits, separators, suffixes, other scripts. */
const STREAM_NAMES = [
  'cam01',
  'cam1',
  'cam10',
  'cam-1',
  'cam-1790000000',
  '1790000000',
  'a.b.c',
  '客厅',
  'жара-5',
  'x--y',
  'front/door',
  'front',
  'cam01.jpg',
  'stream_2026-11-20',
  '7',
  'Ω.1790000000123',
];

const TEMPLATES: Record<'timestamp' | 'sequence' | 'overwrite', readonly string[]> = {
  timestamp: [
    'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
    '{AppName}/{StreamName}-{UnixTimestamp}.jpg',
    '{UnixTimestamp}/{AppName}/{StreamName}.jpg',
    'shots/{AppName}/{StreamName}/{UnixTimestamp}-{Sequence}.jpg',
    'shots/{AppName}/{StreamName}/{Sequence}_{UnixTimestamp}.jpg',
    'snap-{StreamName}-{AppName}/{UnixTimestamp}.jpg',
  ],
  sequence: ['{AppName}/{StreamName}/{Sequence}.jpg', 'seq/{StreamName}/{AppName}-{Sequence}.jpg'],
  overwrite: ['cover/{AppName}/{StreamName}.jpg', 'newest-{StreamName}-{AppName}.jpg'],
};

export interface SettingOptions {
  faultFree: boolean;
  streams: number | null;
  hours: number | null;
}

/** Domains, configs with their versions, streams, the window and the moment of judgement. */
export function drawSetting(random: Random, options: SettingOptions): Setting {
  const hours = options.hours ?? random.pick([1, 2, 3, 4, 6]);
  const streamCount = options.streams ?? random.int(2, 5);
  const from = EPOCH + random.int(0, 24 * 60) * MINUTE;
  const to = from + hours * HOUR;
  const settleSeconds = random.pick([60, 90, 120]);
  const late = !options.faultFree && random.chance(0.3);
  // A late audit (a backfill) looks days after; else soon after the window, with some slots still pending.
  const now = to + (late ? random.int(4, 9) * DAY : random.int(0, 3 * settleSeconds) * 1_000);
  const setting: Setting = {
    from,
    to,
    now,
    settleSeconds,
    lateAfterSeconds: random.pick([30, 40, 60]),
    callbackUrl: OURS,
    configs: [],
    streams: [],
    lifecycle: [],
  };
  const names = random.shuffle(STREAM_NAMES);
  const domains = random.chance(0.4) ? ['play.example.com', 'play2.example.org'] : ['play.example.com'];
  // Few enough captures to judge thousands of scenarios: the longer the broadcast, the slower the beat.
  const leastInterval = Math.ceil((streamCount * hours * 3_600) / 2_600);
  const intervals = [5, 6, 10, 15, 20, 30, 45, 60].filter((seconds) => seconds >= leastInterval);
  for (const [order, domain] of domains.entries()) {
    const entries = random.pick([['live'], ['*'], ['live', '*'], ['live', 'event-2']]);
    const bucket = domains.length > 1 && random.chance(0.4) ? 'shared-bucket' : `bucket-${order}`;
    const signed = random.chance(0.75);
    const ownPrefix = bucket === 'shared-bucket' ? `d${order}/` : '';
    const styles = new Map<string, NameStyle>();
    for (const app of entries) {
      const style = random.pick<NameStyle>([
        'seconds',
        'seconds',
        'milliseconds',
        'milliseconds',
        'sequence',
        'overwrite',
      ]);
      styles.set(app, style);
      const templates = TEMPLATES[style === 'sequence' ? 'sequence' : 'timestamp'];
      const overwrites = style === 'overwrite' || random.chance(0.15);
      drawVersions(random, setting, options.faultFree, {
        domain,
        app,
        validFrom: from - 3 * DAY,
        intervalSeconds: random.pick(intervals.length > 0 ? intervals : [60]),
        bucket,
        endpoint: 'oss-cn-shanghai.aliyuncs.com',
        sequenceObject: style === 'overwrite' ? null : ownPrefix + random.pick(templates),
        overwriteObject: overwrites ? ownPrefix + random.pick(TEMPLATES.overwrite) : null,
        callback: OURS,
      });
    }
    const share = order === 0 ? Math.ceil(streamCount / domains.length) : streamCount - setting.streams.length;
    for (let count = 0; count < share; count += 1) {
      const entry = random.pick(entries);
      const app = entry === '*' ? random.pick(['tv_1', 'b', '2024']) : entry;
      const stream = names.pop();
      if (stream === undefined) throw new RangeError(`at most ${STREAM_NAMES.length} streams`);
      setting.streams.push({
        domain,
        app,
        stream,
        bucket,
        nameStyle: styles.get(entry)!,
        signed,
        expired: false,
      });
    }
  }
  if (late) drawLifecycle(random, setting);
  return setting;
}

function drawVersions(random: Random, setting: Setting, faultFree: boolean, first: PlannedConfig): void {
  setting.configs.push(first);
  if (!random.chance(0.4)) return;
  const changedAt = setting.from + random.int(600, (setting.to - setting.from) / 1_000 - 600) * 1_000;
  const theirs = !faultFree && random.chance(0.5);
  const changed: PlannedConfig = {
    ...first,
    validFrom: changedAt,
    ...(theirs ? { callback: THEIRS } : { intervalSeconds: first.intervalSeconds * random.pick([2, 3]) }),
  };
  setting.configs.push(changed);
  if (theirs && random.chance(0.5)) {
    const repairedAt = changedAt + random.int(300, 5_400) * 1_000;
    setting.configs.push({ ...first, validFrom: repairedAt });
  }
}

/** Days later the bucket's rule has taken one app's objects, or is too patient to have taken any. */
function drawLifecycle(random: Random, setting: Setting): void {
  const config = random.pick(setting.configs);
  if (config.sequenceObject === null) return;
  const prefix = config.sequenceObject.slice(0, config.sequenceObject.indexOf('{'));
  // An object that is overwritten again and again does not grow old.
  const overwritten = setting.configs.some(
    ({ bucket, overwriteObject }) => bucket === config.bucket && overwriteObject?.startsWith(prefix),
  );
  if (overwritten) return;
  const age = Math.floor((setting.now - setting.to) / DAY);
  const expires = random.chance(0.5);
  setting.lifecycle.push({ bucket: config.bucket, prefix, days: expires ? random.int(1, age - 3) : age + 30 });
  if (!expires) return;
  for (const stream of setting.streams) {
    const templates = setting.configs.filter(
      ({ domain, app }) => domain === stream.domain && (app === stream.app || app === '*'),
    );
    const own = templates.filter(({ app }) => app === stream.app);
    const rule = (own.length > 0 ? own : templates)[0]!;
    stream.expired = rule.bucket === config.bucket && (rule.sequenceObject?.startsWith(prefix) ?? false);
  }
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, readEnvironment } from '../../src/config/env.ts';
import { loadSettings, parseSettings } from '../../src/config/load-settings.ts';
import {
  alertingSettings,
  maintenanceSettings,
  notifySettings,
  watchSettings,
} from '../../src/config/notify-settings.ts';

const GOOD = `domains:
  - domain: play.example.com
    pushDomain: push.example.com
    apps:
      - app: live
        interval: 10s
        bucket: my-bucket
        endpoint: oss-cn-shanghai.aliyuncs.com
        sequenceObject: snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg
`;

/** A window of maintenance may be narrowed to a stream; secrets may stand as plain text for a try-out. */
const OF_A_SCOPE = new Set(['stream', 'value']);

function problemsOf(text: string): string[] {
  try {
    parseSettings(text, 'snapaudit.yaml');
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('the settings file', () => {
  it('reads durations as seconds and fills in the defaults', () => {
    const settings = parseSettings(GOOD, 'snapaudit.yaml');
    expect(settings.domains[0]).toMatchObject({
      mode: 'observe',
      apps: [{ intervalSeconds: 10, overwriteObject: null }],
    });
    expect(settings.audit).toMatchObject({ settleSeconds: 60, lateAfterSeconds: 30 });
  });

  it('is shown whole by the README: its example is accepted as it stands and names every setting of alerting', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const example = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '';
    expect(problemsOf(example)).toEqual([]);
    const names = new Set<string>();
    const collect = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [key, value] of Object.entries(schema)) {
        if (key === 'properties') for (const name of Object.keys(value)) names.add(name);
        collect(value);
      }
    };
    for (const schema of [notifySettings, alertingSettings, watchSettings, maintenanceSettings]) {
      collect(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
    }
    expect(names.size).toBeGreaterThan(40);
    expect([...names].filter((name) => !new RegExp(`\\b${name}:`).test(example) && !OF_A_SCOPE.has(name))).toEqual([]);
  });

  it('reports five mistakes at once, each with its line and a remedy', () => {
    const problems = problemsOf(`domains:
  - domain: "play example"
    mode: fix
    apps:
      - app: live
        interval: 2s
        bucket: My_Bucket
        endpoint: oss-cn-shanghai.aliyuncs.com
        sequenceObject: a/{UnixTimestamp}.jpg
        colour: red
`);
    expect(problems).toHaveLength(5);
    expect(problems.map((problem) => Number(/^line (\d+):/.exec(problem)?.[1]))).toEqual([2, 3, 6, 7, 10]);
    expect(problems[2]).toContain('must be 5s to 3600s, not 2s');
    expect(problems[4]).toContain('no such setting');
  });

  it('reads domains in lower case, as callbacks name them', () => {
    const text = 'domains: [{ domain: Play.Example.com, pushDomain: PUSH.example.com, apps: [] }]';
    expect(parseSettings(text, 'x.yaml').domains[0]).toMatchObject({
      domain: 'play.example.com',
      pushDomain: 'push.example.com',
    });
  });

  it('takes an interval of 5 s and of 3600 s, and refuses one second less or more', () => {
    for (const good of ['5s', '3600s']) expect(problemsOf(GOOD.replace('10s', good))).toEqual([]);
    for (const bad of ['4s', '3601s', '10', 'soon', '1.5s']) {
      expect(problemsOf(GOOD.replace('10s', `"${bad}"`)), bad).toHaveLength(1);
    }
  });

  it('takes a spool of 16 MB or more, and 1 GB where nothing is said', () => {
    const megabytesOf = (text: string) => parseSettings(text, 'snapaudit.yaml').callbacks.spoolMegabytes;
    expect(megabytesOf(GOOD)).toBe(1_024);
    expect(megabytesOf(`${GOOD}callbacks: { spoolMegabytes: 16 }\n`)).toBe(16);
    for (const value of ['15', '1GB']) {
      const text = `${GOOD}callbacks: { spoolMegabytes: ${value} }\n`;
      expect(problemsOf(text)).toEqual([expect.stringContaining('callbacks.spoolMegabytes')]);
    }
  });

  it('reports that both object names are missing beside a mistake in the same app', () => {
    const problems = problemsOf(GOOD.replace('10s', '2s').replace(/ +sequenceObject.*\n/, ''));
    expect(problems).toEqual([
      'line 5: domains[0].apps[0].sequenceObject: needs sequenceObject or overwriteObject (or both)',
      'line 6: domains[0].apps[0].interval: must be 5s to 3600s, not 2s',
    ]);
    expect(problemsOf(GOOD.replace(/sequenceObject: .*/, 'sequenceObject: 7'))).toHaveLength(1);
  });

  it('refuses an app or a domain that stands there twice, beside other mistakes too', () => {
    const app = GOOD.slice(GOOD.indexOf('      - app'));
    expect(problemsOf(`${GOOD}${app}`)).toEqual([
      'line 10: domains[0].apps[1].app: "live" stands here twice; keep one',
    ]);
    expect(problemsOf(`${GOOD}${app.replace('live', 'vod')}`)).toEqual([]);
    const domain = GOOD.replace('domains:\n', '').replace('play.example', 'PLAY.example').replace('10s', '2s');
    expect(problemsOf(`${GOOD}${domain}`)).toEqual([
      'line 10: domains[1].domain: "play.example.com" stands here twice; keep one',
      'line 14: domains[1].apps[0].interval: must be 5s to 3600s, not 2s',
    ]);
  });

  it('refuses an ingest domain that publish callbacks of two domains would name, at both lines', () => {
    const second = GOOD.replace('domains:\n', '').replace('play.example', 'vod.example');
    expect(problemsOf(GOOD + second.replace('push.example', 'PUSH.example').replace('10s', '2s'))).toEqual([
      'line 3: domains[0].pushDomain: "push.example.com" is a name of vod.example.com too, and a publish callback names nothing else; keep it at one of the two',
      'line 11: domains[1].pushDomain: "push.example.com" is a name of play.example.com too, and a publish callback names nothing else; keep it at one of the two',
      'line 14: domains[1].apps[0].interval: must be 5s to 3600s, not 2s',
    ]);
    expect(problemsOf(GOOD + second.replace('push.example', 'play.example'))).toEqual([
      expect.stringContaining('domains[1].pushDomain: "play.example.com" is a name of play.example.com too'),
    ]);
    expect(problemsOf(GOOD.replace('push.example', 'play.example'))).toEqual([]);
    expect(problemsOf(GOOD + second.replace('push.example', 'push2.example'))).toEqual([]);
  });

  it('refuses a channel or a maintenance of a name that stands there twice', () => {
    const window = (name: string) => `  - { name: ${name}, cron: "0 3 * * *", duration: 30m, reason: restart }\n`;
    expect(problemsOf(`${GOOD}maintenance:\n${window('nightly')}${window('nightly')}`)).toEqual([
      'line 12: maintenance[1].name: "nightly" stands here twice; rename one',
    ]);
    expect(problemsOf(`${GOOD}maintenance:\n${window('nightly')}${window('weekly')}`)).toEqual([]);
    const channel = (name: string) => `  - { type: slack, name: ${name}, url: { env: URL } }\n`;
    expect(problemsOf(`${GOOD}notify:\n${channel('ops')}${channel('ops')}`)).toEqual([
      'line 12: notify[1].name: "ops" stands here twice; rename one',
    ]);
  });

  it('refuses maintenance that never comes', () => {
    const text = `${GOOD}maintenance: [{ name: never, cron: "0 3 31 2 *", duration: 30m, reason: restart }]\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^line 10: maintenance\[0\]\.cron: a cron line .*that comes/),
    ]);
  });

  it('reads a domain in lower case wherever it is named', () => {
    const domain = 'Play.Example.com';
    const settings = parseSettings(
      `${GOOD}notify: [{ type: slack, name: ops, url: { env: URL }, when: { domains: [${domain}] } }]
maintenance: [{ name: nightly, cron: "0 3 * * *", duration: 30m, domain: ${domain}, reason: restart }]\n`,
      'snapaudit.yaml',
    );
    expect(settings.notify[0]?.when.domains).toEqual(['play.example.com']);
    expect(settings.maintenance[0]?.domain).toBe('play.example.com');
  });

  it.each([
    ['        bucket: my-bucket\n', '', /^line 5: .*bucket: is missing: write the OSS bucket/],
    ['endpoint: oss-cn-shanghai.aliyuncs.com', 'endpoint:', /^line 8: .*endpoint: is empty: write the host name/],
    ['        interval: 10s\n', '', /^line 5: .*interval: is missing: write how often .* such as 10s/],
    ['interval: 10s', 'interval:', /^line 6: .*interval: is empty: write how often/],
    ['interval: 10s', 'interval: [10s]', /^line 6: .*interval: must be a duration, such as 10s/],
    ['app: live', 'app: 123', /^line 5: .*app: must be text: write it in quotes, "123"/],
    ['domains:', 'callbacks: { aliases: { streem: [x] } }\ndomains:', /^line 1: callbacks\.aliases\.streem: no such/],
    ['domains:', 'notify: [{ name: a }]\ndomains:', /^line 1: notify\[0\]\.type: is missing: it is one of dingtalk, /],
    ['domains:', 'notify: [{ type: sms }]\ndomains:', /^line 1: notify\[0\]\.type: there is no "sms": it is one of/],
    ['domains:', 'audit: { settle: }\ndomains:', /^line 1: audit\.settle: is empty: write a duration, such as 10s/],
    [
      'domains:',
      'notify: slack\ndomains:',
      /^line 1: notify: must be a list \(lines that begin with "- "\), not "slack"/,
    ],
    [
      'domains:',
      'alerting: { allowPrivate: 10 }\ndomains:',
      /^line 1: alerting\.allowPrivate: must be true, false or a list/,
    ],
    ['bucket: my-bucket', 'bucket: *nobody', /^line 7: \*nobody has no anchor before it/],
  ])('says what to do about %j written as %j', (good, bad, sentence) => {
    expect(GOOD).toContain(good);
    const problems = problemsOf(GOOD.replace(good, bad));
    expect(problems).toEqual([expect.stringMatching(sentence)]);
  });

  it.each([
    'notify: https://hooks.example.com/s3cret',
    'notify: { type: slack, name: ops, url: "https://hooks.example.com/s3cret" }',
    'notify: ["https://hooks.example.com/s3cret"]',
    'notify: [{ type: "https://hooks.example.com/s3cret" }]',
    'alerting: { heartbeat: "https://hooks.example.com/s3cret" }',
    'alerting: { heartbeat: { url: { env: URL }, every: "https://hooks.example.com/s3cret" } }',
  ])('does not repeat what may be a secret in the wrong place: %s', (line) => {
    const problems = problemsOf(`${line}\n${GOOD}`);
    expect(problems).toEqual([
      expect.stringMatching(/^line 1: .*(must be .*, not (text|settings)|there is no such thing|this is no duration)/),
    ]);
    expect(problems.join()).not.toContain('s3cret');
  });

  it('says of an empty file that it is empty', () => {
    expect(problemsOf('')).toEqual(['line 1: (the whole file): is empty: the README shows a settings file']);
  });

  it('says where broken YAML breaks', () => {
    expect(problemsOf('domains:\n  - [')[0]).toMatch(/^line \d+: /);
  });

  it('says what to do when the file is not there', async () => {
    await expect(loadSettings('/nonexistent/snapaudit.yaml')).rejects.toThrow(/SNAPAUDIT_CONFIG/);
  });
});

describe('the environment', () => {
  it('lists every mistake at once and never prints a secret', () => {
    const read = () =>
      readEnvironment({
        DATABASE_URL: 'mysql://user:hunter2@db/x',
        PORT: '70000',
        SNAPAUDIT_PUBLIC_URL: 'audit.example.com',
        SNAPAUDIT_CALLBACK_KEY: 'short',
        SNAPAUDIT_API_TOKEN: 'long-enough-to-be-a-token',
        SNAPAUDIT_API_TOKEN_FILE: '/nonexistent',
      });
    expect(read).toThrow(ConfigurationError);
    try {
      read();
    } catch (error) {
      const { problems, message } = error as ConfigurationError;
      expect(problems).toHaveLength(6);
      expect(message).not.toMatch(/hunter2|short/);
    }
  });

  it.each(['a', 'fifteen-letters', 'two words that are long', 'schlüssel-und-mehr', 'x'.repeat(201)])(
    'refuses the API token %s, which could be guessed or never be sent',
    (SNAPAUDIT_API_TOKEN) => {
      expect(() => readEnvironment({ SNAPAUDIT_API_TOKEN })).toThrow(
        /SNAPAUDIT_API_TOKEN must be 16 to 200 .*openssl rand/,
      );
      const kept = 'sixteen-letters~';
      expect(readEnvironment({ SNAPAUDIT_API_TOKEN: kept }).secrets.apiToken).toBe(kept);
    },
  );

  it.each([
    ['DEBUG', 'ali-oss'],
    ['DEBUG', '*'],
    ['DEBUG', 'express:*,ali-oss'],
    ['DEBUG', 'ali*'],
    ['DEBUG', 'httpx:header'],
    ['DEBUG', 'express:* h*'],
    ['DEBUG', 'sign'],
    ['NODE_DEBUG', 'urllib'],
    ['NODE_DEBUG', 'fs,HTTPS'],
    ['NODE_DEBUG', 'n*'],
  ])('refuses %s=%s, with which a client would print secrets', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(new RegExp(`- ${name} switches on`));
    expect(() => readEnvironment({ DEBUG: 'express:*,-ali-oss', NODE_DEBUG: 'fs,http2' })).not.toThrow();
  });

  it('says of a DATABASE_URL that is none what to do about its password, without printing it', () => {
    const read = () => readEnvironment({ DATABASE_URL: 'postgres://user:hunter2/#x@db:5432/x' });
    expect(read).toThrow(/DATABASE_URL is not a URL such as .*percent-encode # \(%23\)/);
    expect(read).not.toThrow(/hunter2/);
  });

  it.each([
    ['HTTPS://Audit.Example.com:8443/Base/', 'https://audit.example.com:8443/Base'],
    ['https://audit.example.com', 'https://audit.example.com'],
  ])('reads the host of the public URL %s in lower case, as it is signed', (written, read) => {
    expect(readEnvironment({ SNAPAUDIT_PUBLIC_URL: written }).config.publicUrl).toBe(read);
  });

  it.each([
    ['SNAPAUDIT_PUBLIC_URL', 'https://user:hunter2@audit.example.com'],
    ['SNAPAUDIT_PUBLIC_URL', 'https://audit.example.com?token=hunter2'],
    ['SNAPAUDIT_PUBLIC_URL', 'https://audit.example.com/#top'],
    ['SNAPAUDIT_LIVE_ENDPOINT', 'http://127.0.0.1:9/live'],
    ['SNAPAUDIT_OSS_ENDPOINT', 'http://127.0.0.1:9/oss'],
  ])('refuses a %s that could not work: %s', (name, url) => {
    expect(() => readEnvironment({ [name]: url })).toThrow(new RegExp(`${name} must `));
    expect(() => readEnvironment({ [name]: url })).not.toThrow(/hunter2/);
  });

  it('needs nothing', () => {
    const { config, secrets } = readEnvironment({});
    expect(config).toMatchObject({ databaseUrl: null, dataDir: '.snapaudit', host: '127.0.0.1', port: 8080 });
    expect(secrets).toEqual({ callbackKey: null, callbackKeyPrevious: null, apiToken: null });
  });
});

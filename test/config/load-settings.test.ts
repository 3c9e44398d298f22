import { describe, expect, it } from 'vitest';
import { ConfigurationError, readEnvironment } from '../../src/config/env.ts';
import { loadSettings, parseSettings } from '../../src/config/load-settings.ts';

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

  it('takes an interval of 5 s and of 3600 s, and refuses one second less or more', () => {
    for (const good of ['5s', '3600s']) expect(problemsOf(GOOD.replace('10s', good))).toEqual([]);
    for (const bad of ['4s', '3601s', '10', 'soon', '1.5s']) {
      expect(problemsOf(GOOD.replace('10s', `"${bad}"`)), bad).toHaveLength(1);
    }
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

  it.each(['ali-oss', '*', 'express:*,ali-oss'])(
    'refuses DEBUG=%s, with which a client would print secrets',
    (DEBUG) => {
      expect(() => readEnvironment({ DEBUG })).toThrow(/DEBUG/);
      expect(() => readEnvironment({ DEBUG: 'express:*' })).not.toThrow();
    },
  );

  it('needs nothing', () => {
    const { config, secrets } = readEnvironment({});
    expect(config).toMatchObject({ databaseUrl: null, dataDir: '.snapaudit', host: '127.0.0.1', port: 8080 });
    expect(secrets).toEqual({ callbackKey: null, callbackKeyPrevious: null, apiToken: null });
  });
});

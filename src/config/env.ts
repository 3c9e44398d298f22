import { readFileSync } from 'node:fs';
import type { SecretSource } from './secret-ref.ts';

/** A configuration mistake, or several; each says what to do. `cli.ts` prints it and exits 2. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: string[];
  constructor(heading: string, problems: string[]) {
    super([heading, ...problems.map((problem) => `  - ${problem}`)].join('\n'));
    this.problems = problems;
  }
}

/** What the environment says, checked. Secrets are apart (`Secrets`). */
export interface Config {
  /** null: the embedded PostgreSQL under `dataDir`. */
  databaseUrl: string | null;
  dataDir: string;
  settingsFile: string;
  /** Base of the callback URLs, without a trailing slash; null where none is set. */
  publicUrl: string | null;
  liveEndpoint: string | null;
  ossEndpoint: string | null;
  port: number;
  host: string;
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

export interface Secrets {
  callbackKey: string | null;
  callbackKeyPrevious: string | null;
  apiToken: string | null;
}

type Variables = Record<string, string | undefined>;

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
/** What an Authorization header can carry, and long enough not to be guessed. */
const API_TOKEN = /^[\x21-\x7e]{16,200}$/;
// AddLiveSnapshotNotifyConfig documents 16 to 32 letters and digits (reference live-api.md 2.2); the app-level call names
// no rule, so the documented one is kept.
const CALLBACK_KEY = /^[A-Za-z0-9]{16,32}$/;

/** With these the vendor's clients, or Node itself, print what they send: keys, the Authorization header, the STS token. */
const LOGGERS_OF_SECRETS = {
  DEBUG: ['ali-oss', 'httpx', 'sign'],
  NODE_DEBUG: ['https', 'net', 'urllib'],
};

/** Whether one of the names in `list` means the logger or a part of it; a `*` stands for anything. */
function switchesOn(list: string, logger: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((word) => {
      const [head = '', ...tail] = word.split('*');
      if (tail.length > 0) return logger.startsWith(head) || head.startsWith(`${logger}:`);
      return word === logger || word.startsWith(`${logger}:`);
    });
}

/**
 * Reads the environment; throws one `ConfigurationError` with every mistake in it. This is the only module that reads
 * `process.env` (the vendor's own `ALIBABA_CLOUD_…` variables are read by the vendor's credential chain).
 */
export function readEnvironment(variables: Variables = process.env): { config: Config; secrets: Secrets } {
  const problems: string[] = [];
  const text = (name: string): string | null => {
    const value = variables[name]?.trim();
    return value ? value : null;
  };
  const url = (name: string, protocols: string[], remedy: string, mayHavePath = false): string | null => {
    const value = text(name);
    if (value === null) return null;
    const parsed = URL.canParse(value) ? new URL(value) : null;
    if (!parsed || !protocols.includes(parsed.protocol)) {
      problems.push(`${name} is not a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}: ${remedy}`);
      return null;
    }
    // A password in it would stand in plans and pages, and no canary could be sent there.
    if (parsed.username || parsed.password || /[?#]/.test(value)) {
      problems.push(`${name} must hold no user name, password, "?" or "#": write it like https://host:port`);
      return null;
    }
    if (!mayHavePath && parsed.pathname !== '/') {
      problems.push(`${name} must end after the host and the port: leave the path out`);
      return null;
    }
    // The vendor signs the host, and the URL parser writes it in lower case: so must whatever is compared with what we set.
    return value.replace(/\/+$/, '').replace(/^[^/]+\/\/[^/]+/, (schemeAndHost) => schemeAndHost.toLowerCase());
  };
  const secret = (name: string): string | null => {
    const file = text(`${name}_FILE`);
    const direct = text(name);
    if (file && direct) problems.push(`${name} and ${name}_FILE are both set: keep one`);
    if (!file) return direct;
    try {
      return readFileSync(file, 'utf8').trim() || null;
    } catch (error) {
      problems.push(
        `${name}_FILE cannot be read (${(error as NodeJS.ErrnoException).code}): check its path and rights`,
      );
      return null;
    }
  };
  const callbackKey = (name: string): string | null => {
    const key = secret(name);
    if (key !== null && !CALLBACK_KEY.test(key)) {
      problems.push(`${name} must be 16 to 32 letters and digits, the vendor's rule: choose another key`);
    }
    return key;
  };
  const apiToken = secret('SNAPAUDIT_API_TOKEN');
  if (apiToken !== null && !API_TOKEN.test(apiToken)) {
    problems.push(
      'SNAPAUDIT_API_TOKEN must be 16 to 200 visible ASCII characters without a space: make one with `openssl rand -base64 32`',
    );
  }

  const databaseUrl = secret('DATABASE_URL');
  if (databaseUrl !== null && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    problems.push('DATABASE_URL must begin with postgres:// (leave it out to use the embedded PostgreSQL)');
  } else if (databaseUrl !== null && !URL.canParse(databaseUrl)) {
    problems.push(
      'DATABASE_URL is not a URL such as postgres://user:password@host:5432/name: percent-encode # (%23), @ (%40) and / (%2F) in the password',
    );
  }
  const port = text('PORT') ?? '8080';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) problems.push(`PORT must be 0 to 65535, not "${port}"`);
  const logLevel = text('SNAPAUDIT_LOG_LEVEL') ?? 'info';
  if (!LOG_LEVELS.some((level) => level === logLevel)) {
    problems.push(`SNAPAUDIT_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, not "${logLevel}"`);
  }

  for (const [name, loggers] of Object.entries(LOGGERS_OF_SECRETS)) {
    const told = loggers.find((logger) => switchesOn(text(name) ?? '', logger));
    if (told) problems.push(`${name} switches on ${told}, which would print secrets: leave it, and "*", out of it`);
  }

  const result = {
    config: {
      databaseUrl,
      dataDir: text('SNAPAUDIT_DATA_DIR') ?? '.snapaudit',
      settingsFile: text('SNAPAUDIT_CONFIG') ?? 'snapaudit.yaml',
      publicUrl: url(
        'SNAPAUDIT_PUBLIC_URL',
        ['http:', 'https:'],
        'it is the base under which the vendor reaches this service',
        true,
      ),
      liveEndpoint: url('SNAPAUDIT_LIVE_ENDPOINT', ['http:', 'https:'], "leave it out to use the vendor's"),
      ossEndpoint: url('SNAPAUDIT_OSS_ENDPOINT', ['http:', 'https:'], "leave it out to use the vendor's"),
      port: Number(port),
      host: text('HOST') ?? '127.0.0.1',
      logLevel: logLevel as Config['logLevel'],
    },
    secrets: {
      callbackKey: callbackKey('SNAPAUDIT_CALLBACK_KEY'),
      callbackKeyPrevious: callbackKey('SNAPAUDIT_CALLBACK_KEY_PREVIOUS'),
      apiToken,
    },
  };
  if (problems.length > 0) throw new ConfigurationError('The environment has mistakes:', problems);
  return result;
}

/** Where the secrets of the settings file come from: the environment and files. */
export function environmentSecrets(variables: Variables = process.env): SecretSource {
  return { variable: (name) => variables[name], file: (path) => readFileSync(path, 'utf8') };
}

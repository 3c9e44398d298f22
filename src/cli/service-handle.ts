import type { Config, Secrets } from '../config/env.ts';
import type { Settings } from '../config/settings.ts';
import type { Queries } from '../usecases/query-history.ts';

/** What a command may put in place of what the environment says: `demo` does. */
export interface ServiceOverrides {
  config?: Partial<Config>;
  secrets?: Partial<Secrets>;
  settings?: Settings;
  /** Instead of the vendor's default chain: the sandbox's. */
  accessKey?: { accessKeyId: string; accessKeySecret: string };
  /** How long one call to the vendor may take, and how often it is tried again; absent: the adapters' defaults. */
  vendorPatience?: { timeoutMs: number; retries: number };
  onProgress?: (message: string) => void;
}

/** The running service, as commands see it. */
export interface ServiceHandle {
  start(): Promise<void>;
  /** Base URL that it listens on, after `start`. */
  url(): string;
  queries: Queries;
  /** Runs a job as soon as a worker is free, instead of at its next time. */
  runSoon(job: string): Promise<void>;
  close(): Promise<void>;
}

import type { Readable, Writable } from 'node:stream';
import type { Settings } from '../config/settings.ts';
import type { AlertingCommandHandle } from './alerting-handle.ts';
import type { AuditHandle, AuditHandleOptions } from './audit-handle.ts';
import type { ConfigHandle, DoctorHandle } from './config-handle.ts';
import type { DemoHandle, DemoRequest } from './demo-handle.ts';
import type { QueryHandle } from './query-handle.ts';
import type { SandboxHandle, SandboxRequest } from './sandbox-handle.ts';
import type { ServiceHandle, ServiceOverrides } from './service-handle.ts';

/**
 * What a command gets from `cli.ts`. A command writes data to stdout and progress to stderr, and says how it ended by
 * `setExitCode`: 0 clean, 1 findings, 2 error. It never exits the process itself.
 */
export interface CommandContext {
  stdin: Readable;
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean };
  setExitCode(code: 0 | 1 | 2): void;
  /** Reads and checks the settings file; throws one error that lists every mistake. */
  loadSettings(): Promise<Settings>;
  /** Waits so long, or until the signal is aborted. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the person asks to stop (Ctrl-C, SIGTERM, a closed terminal). `exitWithinMs`: whatever still hangs then (a database
   * that answers nobody), the process ends.
   */
  untilStopped(exitWithinMs?: number): Promise<void>;
  /** Starts the vendor's stand-in on loopback. Throws where the faults file has mistakes or a port is taken. */
  createSandbox(request: SandboxRequest): Promise<SandboxHandle>;
  /** Starts the vendor's stand-in and the whole service beside it. */
  createDemo(request: DemoRequest): Promise<DemoHandle>;
  /** Opens the history, straight from the database. */
  openQueries(): Promise<QueryHandle>;
  /** Opens the auditing of the settings file's domains: database, OSS and Live. */
  openAudit(options: AuditHandleOptions): Promise<AuditHandle>;
  /** Opens the database and brings its schema up to date; `applied` names the migrations that this did. */
  openStorage(): Promise<{ applied: string[]; close(): Promise<void> }>;
  /** Composes the whole service; nothing runs before `start()`. Throws one error that lists every mistake. */
  createService(overrides?: ServiceOverrides): Promise<ServiceHandle>;
  /** Opens vendor and database to steer configs. Throws one error that lists every mistake. */
  openConfigControl(): Promise<ConfigHandle>;
  /** The same for `doctor`: what cannot be opened is a line that says so. */
  openDoctor(): Promise<DoctorHandle>;
  /** Opens incidents, notifications, silences and maintenance; `channels`: with the channels of the settings file. */
  openAlerting(options?: { channels: boolean }): Promise<AlertingCommandHandle>;
}

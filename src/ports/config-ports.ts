/**
 * What steering configs needs from outside: its store, where findings go, what doctor asks, and who passes callbacks on. Part of
 * `ports.ts`.
 */
import type { ConfigFields, ConfigState, FieldDifference } from '../core/config-diff.ts';
import type { ConfigSubject } from '../core/config-plan.ts';
import type { ConfigVersion } from '../core/config-version.ts';
import type { HealAttempt } from '../core/drift-decision.ts';
import type { Found } from '../core/found.ts';
import type { Instant } from '../core/instant.ts';
import type { RunningSession } from '../core/pending-reingest.ts';
import type { Baseline } from '../core/restore-plan.ts';

// ---- configs ----

export type ConfigVersionSource = 'observed' | 'applied';

/** The state of one config, key or push URL as the last look found it. */
export interface StoredConfigState extends ConfigSubject {
  state: ConfigState;
  since: Instant;
  /** The last look that came back; null: none has yet. */
  lookedAt: Instant | null;
  /** Since when it differs from the settings; kept while we cannot look. */
  driftedSince: Instant | null;
  differences: FieldDifference[];
  /** Set once enforcing has stopped because somebody else keeps changing it. */
  stoppedAt: Instant | null;
}

export interface KeyChange {
  kind: 'callback_auth' | 'push_notify';
  at: Instant;
  /** `SecretText.digest()`, or null for no key. */
  keyDigest: string | null;
}

/** A former key was sealed with a callback key that is no longer set, or could not be sealed. The message says what to do. */
export class SealedKeyError extends Error {
  override readonly name = 'SealedKeyError';
}

export interface ConfigStore {
  /** One process at a time works on a domain; others wait. The lock ends with the process. */
  withDomainLock<T>(domain: string, work: () => Promise<T>): Promise<T>;
  /** All versions of the domain, oldest first. */
  versions(domain: string): Promise<ConfigVersion[]>;
  /**
   * Appends those that differ from the latest version of their (domain, app); one that is not later than it is moved behind it.
   * Returns what was appended.
   */
  appendVersions(versions: readonly ConfigVersion[], source: ConfigVersionSource): Promise<ConfigVersion[]>;
  baselines(domain: string): Promise<Baseline[]>;
  /** Domains of which something is remembered, also such that the settings no longer name. */
  baselineDomains(): Promise<string[]>;
  /** What apply took over and restore has not given back. */
  takenOver(domain: string): Promise<ConfigSubject[]>;
  /** Keeps the first one of each subject; of one that was given back all but the callback. */
  rememberBaselines(baselines: readonly Baseline[]): Promise<void>;
  /** Configs of which it was remembered that nothing stood, though something did: that is remembered. */
  correctBaselines(baselines: readonly Baseline[]): Promise<void>;
  /** Former keys that the previous callback key sealed are sealed with the current one, so that the previous may be forgotten. */
  resealBaselines(domain: string): Promise<void>;
  /** Before a config is deleted in order to be added again: whoever goes on after a crash knows what to add. */
  noteAddingAgain(subject: ConfigSubject, config: ConfigFields): Promise<void>;
  /** No longer ours, though the rest of what stood before is remembered still. */
  markGivenBack(subjects: readonly ConfigSubject[]): Promise<void>;
  forgetBaselines(subjects: readonly ConfigSubject[]): Promise<void>;
  states(domain?: string): Promise<StoredConfigState[]>;
  /** Replaces the states of the domain. */
  saveStates(domain: string, states: readonly StoredConfigState[]): Promise<void>;
  /** Oldest first; `detail` says why one failed. */
  heals(domain: string, since: Instant): Promise<(ConfigSubject & HealAttempt & { detail: string | null })[]>;
  recordHeal(subject: ConfigSubject, attempt: HealAttempt, detail: string | null): Promise<void>;
  /** A person applied: heals are counted anew, and healing that had stopped may go on. */
  resetHeals(domain: string): Promise<void>;
  /** What the domain is asked to be from now on, as `settingsDigest` names it. */
  noteSettings(domain: string, digest: string, at: Instant): Promise<void>;
  /** The digest that was noted last, and when it or its watch was noted; null: none was yet. */
  settingsInForce(domain: string): Promise<{ digest: string; notedAt: Instant } | null>;
  /** Who watches by these settings is there. Nothing where others were noted since. */
  noteWatch(domain: string, digest: string, at: Instant): Promise<void>;
  /** Oldest first. */
  keyChanges(domain: string): Promise<(KeyChange & { source: ConfigVersionSource })[]>;
  /** Appends where the key differs from the latest one of its kind. */
  recordKey(domain: string, change: KeyChange, source: ConfigVersionSource): Promise<void>;
  /** Sessions that have not ended, as far as we know. */
  runningSessions(domain: string): Promise<RunningSession[]>;
}

export const CONFIG_FINDING_KINDS = ['config_drift', 'two_callbacks', 'enforce_fight'] as const;

/** A condition of a config that people should hear of. */
export interface ConfigFinding {
  kind: (typeof CONFIG_FINDING_KINDS)[number];
  domain: string;
  app: string | null;
  /** Tells findings of one kind and scope apart: the subject kind, e.g. `callback_auth`. */
  key: string;
  /** One sentence for people, without secrets. */
  detail: string;
  /** The same for messages of every language, while it lasts. */
  found: Found;
  at: Instant;
}

/** Reporting twice is harmless. */
export interface FindingSink {
  /** All that one look at the domain found; what was found before and is not named has ended. */
  reportDomain(domain: string, findings: readonly ConfigFinding[]): Promise<void>;
  /** We could not look: what was found last stands. */
  keepDomain(domain: string): Promise<void>;
}

// ---- what doctor asks ----

export interface HttpProbe {
  /** The server's Date header against our clock; null where it sends none. Rejects where it cannot be reached. */
  serverTime(url: string): Promise<{ theirs: Instant; ours: Instant } | null>;
  /** Follows no redirect. Rejects where it cannot be reached. */
  post(url: string, headers: Record<string, string>, body: string): Promise<{ status: number; text: string }>;
}

export interface DatabaseReport {
  /** Of PostgreSQL, e.g. 18. */
  majorVersion: number;
  /** May make tables, partitions and schemas. */
  canCreate: boolean;
  pendingMigrations: string[];
}

// ---- passing callbacks on ----

/** An accepted callback on its way to the receiver that stood there before; plain JSON, for it waits in the job queue. */
export interface ForwardedCallback {
  target: string;
  /** Of the vendor's request, signature included; lower-case names. */
  headers: Record<string, string>;
  bodyBase64: string;
  receivedAt: Instant;
}

export type ForwardAnswer =
  | { outcome: 'delivered' }
  /** For good: the answer or the address will not change by trying again. */
  | { outcome: 'refused'; reason: string }
  | { outcome: 'unreachable'; reason: string };

export interface Forwarder {
  /** `signal`: the process stops; the answer is `unreachable` then, and another try sends it. */
  send(callback: ForwardedCallback, signal?: AbortSignal): Promise<ForwardAnswer>;
}

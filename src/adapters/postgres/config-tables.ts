import type { Generated } from 'kysely';
import type { ConfigState } from '../../core/config-diff.ts';
import type { SubjectKind } from '../../core/config-plan.ts';
import type { Instant } from '../../core/instant.ts';

/** Row types of migrations 0010, 0020, 0021 and 0025. */
export interface ConfigControlTables {
  config_baselines: ConfigBaselineTable;
  config_states: ConfigStateTable;
  config_heals: ConfigHealTable;
  callback_key_changes: CallbackKeyChangeTable;
  vendor_call_slots: VendorCallSlotTable;
  settings_in_force: SettingsInForceTable;
}

export interface ConfigBaselineTable {
  domain: string;
  kind: SubjectKind;
  app: Generated<string>;
  former: unknown;
  sealed_key: string | null;
  remembered_at: Instant;
  given_back: Generated<boolean>;
  adding_again: unknown;
  push_domain: Generated<string>;
}

export interface ConfigStateTable {
  domain: string;
  kind: SubjectKind;
  app: Generated<string>;
  state: ConfigState;
  since: Instant;
  looked_at: Instant | null;
  drifted_since: Instant | null;
  differences: unknown;
  stopped_at: Instant | null;
}

export interface ConfigHealTable {
  id: Generated<number>;
  domain: string;
  kind: SubjectKind;
  app: Generated<string>;
  at: Instant;
  outcome: 'healed' | 'failed';
  detail: string | null;
}

export interface CallbackKeyChangeTable {
  domain: string;
  kind: 'callback_auth' | 'push_notify';
  at: Instant;
  key_digest: string | null;
  source: 'observed' | 'applied';
}

export interface VendorCallSlotTable {
  action: string;
  next_free_at: Instant;
}

export interface SettingsInForceTable {
  domain: string;
  digest: string;
  noted_at: Instant;
}

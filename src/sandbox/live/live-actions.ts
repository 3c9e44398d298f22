import { callbackActions } from './actions/callback-actions.ts';
import { domainActions } from './actions/domain-actions.ts';
import { snapshotConfigActions } from './actions/snapshot-config-actions.ts';
import { snapshotRecordActions } from './actions/snapshot-record-actions.ts';
import { streamActions } from './actions/stream-actions.ts';
import type { LiveAction } from './live-action.ts';

/** Every action that the stand-in knows, by name. */
export const LIVE_ACTIONS: ReadonlyMap<string, LiveAction> = new Map(
  [...snapshotConfigActions, ...snapshotRecordActions, ...streamActions, ...callbackActions, ...domainActions].map(
    (action) => [action.name, action],
  ),
);

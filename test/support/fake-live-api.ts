import { liveApiOver } from '../../src/adapters/live/live-api.ts';
import { toLiveFailure } from '../../src/adapters/live/live-failure.ts';
import type { LiveApi } from '../../src/ports.ts';
import type { CallbackRemoval } from '../../src/sandbox/live/live-action.ts';
import { LIVE_ACTIONS } from '../../src/sandbox/live/live-actions.ts';
import { VendorRefusal } from '../../src/sandbox/live/vendor-refusal.ts';
import type { VendorState } from '../../src/sandbox/live/vendor-state.ts';

export interface FakeLiveApiOptions {
  bucketExists?: (bucket: string) => boolean;
  callbackRemoval?: CallbackRemoval;
  /** Runs before a call has its effect; what it throws is what the caller gets. */
  before?: (action: string, query: Record<string, string>) => void | Promise<void>;
  /** Runs after the effect; what it throws is what the caller gets, as when the answer is lost. */
  after?: (action: string, query: Record<string, string>) => void | Promise<void>;
}

/** The Live API without HTTP: the stand-in's own action table, called in this process. Neither paced nor retried. */
export function createFakeLiveApi(state: VendorState, options: FakeLiveApiOptions = {}): LiveApi {
  const calls: Record<string, number> = {};
  const context = {
    state,
    bucketExists: options.bucketExists ?? (() => true),
    callbackRemoval: options.callbackRemoval ?? ('removed' as const),
  };
  return liveApiOver({
    async call(action, subject, query) {
      const given = Object.fromEntries(
        Object.entries(query)
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => [name, String(value)]),
      );
      calls[action] = (calls[action] ?? 0) + 1;
      await options.before?.(action, given);
      try {
        const answer = LIVE_ACTIONS.get(action)!.run(given, context);
        await options.after?.(action, given);
        return answer;
      } catch (error) {
        if (!(error instanceof VendorRefusal)) throw error;
        const data = { statusCode: error.status, Message: error.message, RequestId: 'FAKE-REQUEST' };
        throw toLiveFailure({ code: error.code, data }, action, subject);
      }
    },
    calls: () => ({ ...calls }),
    close: async () => {},
  });
}

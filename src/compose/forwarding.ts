import type { Logger } from 'pino';
import { createCallbackForwarder } from '../adapters/notify/callback-forwarder.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock, ForwardedCallback } from '../ports.ts';
import { FORWARD_TASK, forwardCallback } from '../usecases/forward-callback.ts';
import type { Task } from '../worker/job.ts';

/** The task that passes accepted callbacks on to the receivers that stood there before. */
export function composeForwarding(parts: { settings: Settings; clock: Clock; logger: Logger }): Task {
  const forwarder = createCallbackForwarder({ allowPrivate: parts.settings.callbacks.forwardAllowPrivate });
  return {
    name: FORWARD_TASK,
    async run(payload) {
      // Written by createForwardQueue.
      const callback = payload as ForwardedCallback;
      const result = await forwardCallback({ forwarder, clock: parts.clock }, callback);
      if (result.outcome === 'dropped') {
        parts.logger.warn({ target: callback.target, reason: result.reason }, 'a callback was not passed on');
      }
    },
  };
}

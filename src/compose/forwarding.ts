import type { Logger } from 'pino';
import { createCallbackForwarder } from '../adapters/notify/callback-forwarder.ts';
import type { Settings } from '../config/settings.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { AlertSink, Clock, ForwardedCallback } from '../ports.ts';
import { FORWARD_TASK, forwardCallback } from '../usecases/forward-callback.ts';
import { createForwardWatch } from '../usecases/watch-forwards.ts';
import type { Task } from '../worker/job.ts';

/** The task that passes accepted callbacks on to the receivers that stood there before. */
export function composeForwarding(parts: {
  settings: Settings;
  clock: Clock;
  logger: Logger;
  sink: AlertSink;
  onOutcome: (outcome: 'delivered' | 'dropped') => void;
}): Task {
  const forwarder = createCallbackForwarder({ allowPrivate: parts.settings.callbacks.forwardAllowPrivate });
  const watch = createForwardWatch(parts);
  return {
    name: FORWARD_TASK,
    async run(payload, signal) {
      // Written by createForwardQueue.
      const callback = payload as ForwardedCallback;
      const result = await forwardCallback({ forwarder, clock: parts.clock }, callback, signal);
      parts.onOutcome(result.outcome);
      if (result.outcome === 'dropped') {
        parts.logger.warn({ target: shownUrl(callback.target), reason: result.reason }, 'a callback was not passed on');
      }
      // Sending it again would not help: the job has done its work.
      await watch(callback.target, result).catch((error) =>
        parts.logger.warn({ err: error }, 'a refused callback could not be told'),
      );
    },
  };
}

import { openDatabase } from '../../src/adapters/postgres/database.ts';
import type { ReceiverProcessOptions } from './callback-load.ts';
import { startTestReceiver } from './receiver.ts';

/** A receiver in a process of its own, for tests that kill it or watch its memory; the argument is JSON. */
const { url, spoolDirectory, spoolBytes, keyless } = JSON.parse(process.argv[2]!) as ReceiverProcessOptions;
const database = openDatabase({ url, maxConnections: 4 });
const running = await startTestReceiver(database, {
  spoolDirectory,
  ...(spoolBytes ? { spoolBytes } : {}),
  ...(keyless ? { keys: [] } : {}),
});
process.send?.({ url: running.url });
process.on('message', () => {
  globalThis.gc?.();
  // Buffers that the first has found to be garbage are swept beside; the next waits for it. One alone counts them or not, by luck.
  globalThis.gc?.();
  process.send?.(process.memoryUsage());
});
process.once('SIGTERM', async () => {
  await running.close();
  await database.close();
  process.disconnect?.();
});
// A parent that is gone takes us with it.
process.once('disconnect', () => process.exit(0));

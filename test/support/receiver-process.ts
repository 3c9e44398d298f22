import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { startTestReceiver } from './receiver.ts';

/** A receiver in a process of its own, for tests that kill it: `node receiver-process.ts DATABASE_URL SPOOL_DIRECTORY [SPOOL_BYTES]`. */
const [url, spoolDirectory, spoolBytes] = process.argv.slice(2);
const database = openDatabase({ url: url!, maxConnections: 4 });
const running = await startTestReceiver(database, {
  spoolDirectory: spoolDirectory!,
  ...(spoolBytes ? { spoolBytes: Number(spoolBytes) } : {}),
});
process.send?.({ url: running.url });
process.once('SIGTERM', async () => {
  await running.close();
  await database.close();
  process.disconnect?.();
});
// A parent that is gone takes us with it.
process.once('disconnect', () => process.exit(0));

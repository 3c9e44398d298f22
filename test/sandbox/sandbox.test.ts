import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.ts';

describe('the sandbox', () => {
  it('says what went wrong with an order, and closes both endpoints all the same', async () => {
    const sandbox = await startSandbox({ apps: [] });
    const told: unknown[] = [];
    const broadcasters = sandbox.broadcast({
      streams: [],
      faults: [{ fault: 'interval_changed', app: 'gone', atMs: 0 }],
      onFailure: (error) => told.push(error),
    });
    const sentence = 'there is no config of app gone to change';
    await expect(broadcasters.finished()).rejects.toThrow(`The broadcasters failed: ${sentence}`);
    expect(told).toMatchObject([{ message: sentence }]);
    await expect(sandbox.close()).rejects.toThrow(sentence);
    await expect(fetch(sandbox.live.url)).rejects.toThrow();
    await expect(fetch(sandbox.oss.url)).rejects.toThrow();
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AlertingWorld, createAlertingWorld } from '../support/alerting-world.ts';
import { type LocalEndpoint, startLocalEndpoint } from '../support/local-endpoint.ts';

/** The dead-man's switch is a real server on loopback; the job is the one that the worker runs. */

const SECRET_PATH = '/ping/4f9c1d2e-secret-uuid?token=hush-hush';

let world: AlertingWorld;
let outside: LocalEndpoint;
beforeEach(async () => {
  outside = await startLocalEndpoint(() => ({ body: 'OK' }));
  world = await createAlertingWorld({
    apps: {},
    alerting: { heartbeat: { url: `${outside.url}${SECRET_PATH}`, every: '60s' } },
  });
});
afterEach(async () => {
  await outside.close();
  await world.close();
});

async function beat(): Promise<void> {
  const job = world.alerting.jobs.find(({ name }) => name === 'heartbeat-out');
  await job!.run(new AbortController().signal);
}
const pass = (seconds: number) => world.set(world.now() + seconds * 1000);

describe('the heartbeat out', () => {
  it('calls the URL every so often while evaluations succeed', async () => {
    await world.alerting.raise();
    await beat();
    expect(outside.calls.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
      `GET ${SECRET_PATH}`,
    ]);
    pass(59);
    await world.alerting.raise();
    await beat();
    expect(outside.calls).toHaveLength(1);
    pass(1);
    await beat();
    expect(outside.calls).toHaveLength(2);
  });

  it('stays out before the first evaluation and when the last is too old: then the switch raises the alarm', async () => {
    await beat();
    expect(outside.calls).toEqual([]);
    await world.alerting.raise();
    pass(30);
    await beat();
    expect(outside.calls).toHaveLength(1);
    pass(60.001);
    await beat();
    expect(outside.calls).toHaveLength(1);
  });

  it('stays out of a process whose evaluations fail', async () => {
    await world.database.pool.query('alter table incidents rename to incidents_away');
    await expect(world.alerting.raise()).rejects.toThrow();
    await beat();
    expect(outside.calls).toEqual([]);
  });

  it('stays out of a process that cannot look at the streams', async () => {
    await world.database.pool.query('alter table sessions rename to sessions_away');
    await world.alerting.raise();
    await beat();
    expect(outside.calls).toEqual([]);
  });

  it('that fails is tried again at the next look, and the error names nothing of the URL but its host', async () => {
    await world.alerting.raise();
    for (const answer of [
      { status: 404, body: `no check at ${SECRET_PATH}` },
      { status: 500 },
      { hangUp: true },
      { status: 302, headers: { location: 'http://127.0.0.1:9/elsewhere' } },
    ]) {
      outside.answer = () => answer;
      const error = await beat().then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(Error);
      expect(`${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toMatch(/4f9c1d2e|hush/);
    }
    outside.answer = () => ({});
    outside.calls.length = 0;
    await beat();
    expect(outside.calls).toHaveLength(1);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AlertingWorld, createAlertingWorld } from '../../support/alerting-world.ts';
import { freePort } from '../../support/free-port.ts';
import { isInstalled } from '../../support/is-installed.ts';

// Debian's name first.
const program = ['prometheus-alertmanager', 'alertmanager'].find(isInstalled);

interface AlertmanagerAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}

describe.skipIf(!program)(
  `a real Alertmanager${program ? '' : ' (skipped: not installed: prometheus-alertmanager)'}`,
  () => {
    let folder: string;
    let running: ChildProcess | undefined;
    let world: AlertingWorld | undefined;
    beforeEach(() => {
      folder = mkdtempSync(path.join(os.tmpdir(), 'snapaudit-alertmanager-'));
    });
    afterEach(async () => {
      await stop();
      await world?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function start(port: number): Promise<string> {
      const config = path.join(folder, 'config.yml');
      writeFileSync(
        config,
        'route: { receiver: none, group_by: [alertname, domain], group_wait: 0s }\nreceivers: [{ name: none }]\n',
      );
      running = spawn(
        program!,
        [
          `--config.file=${config}`,
          `--storage.path=${path.join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--cluster.listen-address=',
        ],
        { stdio: 'ignore' },
      );
      const url = `http://127.0.0.1:${port}`;
      await expect
        .poll(async () => (await fetch(`${url}/-/ready`).catch(() => null))?.status, { timeout: 20_000 })
        .toBe(200);
      return url;
    }

    async function stop(): Promise<void> {
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const exited = once(running, 'exit');
      running.kill('SIGKILL');
      await exited;
    }

    async function create(url: string, resendEvery = '1s'): Promise<void> {
      world = await createAlertingWorld({
        apps: {},
        notify: () => [{ name: 'am', type: 'alertmanager', url, resendEvery }],
        alerting: { resolveAfter: '0s' },
      });
      world.set(Date.now());
    }

    const alerts = async (url: string): Promise<AlertmanagerAlert[]> =>
      (await fetch(`${url}/api/v2/alerts`)).json() as Promise<AlertmanagerAlert[]>;

    /** Alertmanager lives in real time: so does the clock here. */
    async function step(): Promise<void> {
      world!.set(Date.now());
      await world!.alerting.raise();
      await Promise.all(
        world!.alerting.jobs
          .filter(({ name }) => name === 'notify-am')
          .map((job) => job.run(new AbortController().signal)),
      );
    }

    const drift = (app: string, active: boolean) =>
      world!.alerting.sink.report({
        kind: 'config_drift',
        domain: 'play.example.com',
        app,
        active,
        at: Date.now(),
        detail: 'differs',
      });

    it('gets the alerts, groups them and keeps them alive', async () => {
      const url = await start(await freePort());
      await create(url);
      await drift('live', true);
      await drift('vod', true);
      await step();
      expect((await alerts(url)).map(({ labels }) => labels)).toEqual(
        expect.arrayContaining([
          { alertname: 'SnapauditConfigDrift', severity: 'warning', domain: 'play.example.com', app: 'live' },
          { alertname: 'SnapauditConfigDrift', severity: 'warning', domain: 'play.example.com', app: 'vod' },
        ]),
      );
      await expect
        .poll(
          async () => {
            const groups = (await (await fetch(`${url}/api/v2/alerts/groups`)).json()) as { alerts: unknown[] }[];
            return groups.map((group) => group.alerts.length);
          },
          { timeout: 10_000 },
        )
        .toEqual([2]);

      const [before] = await alerts(url);
      expect(before?.annotations.description).toContain('differs');
      await expect
        .poll(
          async () => {
            await step();
            return (await alerts(url)).every(({ endsAt }) => endsAt > before!.endsAt);
          },
          { timeout: 10_000 },
        )
        .toBe(true);
    }, 60_000);

    it('sees an alert end when it is resolved, long before it would by itself', async () => {
      const url = await start(await freePort());
      await create(url, '60s');
      await drift('live', true);
      await drift('vod', true);
      await step();
      expect(await alerts(url)).toHaveLength(2);
      await drift('vod', false);
      await expect
        .poll(
          async () => {
            await step();
            return (await alerts(url)).map(({ labels }) => labels.app);
          },
          { timeout: 15_000 },
        )
        .toEqual(['live']);
    }, 60_000);

    it('may be down: the service works on, and it hears of what is open when it is back', async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      await create(url);
      await drift('live', true);
      await step();
      await step();
      expect((await world!.alerting.handle.incidents({})).data).toMatchObject([{ status: 'open' }]);
      expect((await world!.alerting.handle.notifications({})).data).toMatchObject([
        { status: 'pending', error: expect.stringContaining('ECONNREFUSED') },
      ]);
      await start(port);
      await expect
        .poll(
          async () => {
            await step();
            return (await alerts(url)).map(({ labels }) => labels.app);
          },
          { timeout: 30_000, interval: 500 },
        )
        .toEqual(['live']);
    }, 60_000);
  },
);

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIncidentStore } from '../../src/adapters/postgres/incident-store.ts';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import { incidentsCommand } from '../../src/cli/incidents.ts';
import { maintenanceCommand } from '../../src/cli/maintenance.ts';
import { notifyCommand } from '../../src/cli/notify.ts';
import { silenceCommand } from '../../src/cli/silence.ts';
import type { Settings } from '../../src/config/settings.ts';
import { createTestAlerting } from '../support/alerting-handle.ts';
import { runCommand } from '../support/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { silenceCondition } from '../support/incidents.ts';

let database: TestDatabase;
const clock = { now: () => Date.now() };
const parts = {
  openAlerting: async () => ({
    alerting: createTestAlerting(database, clock),
    operatorLog: createOperatorLog(database),
    domains: createHistoryReads(database).domains,
    close: async () => {},
  }),
};
beforeAll(async () => {
  database = await createTestDatabase();
  await createIncidentStore(database).evaluate(
    { now: clock.now(), since: 0, severity: () => 'warning', route: () => ['works'] },
    async () => [{ do: 'open', condition: silenceCondition('cam01', { since: clock.now() - 90_000 }) }],
  );
});
afterAll(() => database?.drop());

describe('snapaudit incidents', () => {
  it('ends with 1 while one is open that nobody acknowledged', async () => {
    const open = await runCommand(incidentsCommand, [], parts);
    expect(open).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/open.*silence.*play.example.com\/live\/cam01/),
    });
    const [{ id }] = JSON.parse((await runCommand(incidentsCommand, ['--format', 'json'], parts)).stdout);
    const acknowledged = await runCommand(
      incidentsCommand,
      ['ack', String(id), '--reason', 'on it', '--author', 'wei'],
      parts,
    );
    expect(acknowledged).toMatchObject({ exitCode: 0, stdout: `Incident ${id} is acknowledged by wei.\n` });
    expect(await runCommand(incidentsCommand, [], parts)).toMatchObject({ exitCode: 0 });
    const shown = await runCommand(incidentsCommand, ['show', String(id)], parts);
    expect(shown.stdout).toMatch(/opened by snapaudit\n.*acknowledged by wei: on it/);
  });
  it('takes a domain in capitals, and says that nobody knows one that was mistyped', async () => {
    // No stream stands in this database, so its domain is one of the settings alone.
    const settings = {
      ...parts,
      loadSettings: async () => ({ domains: [{ domain: 'play.example.com' }] }) as Settings,
    };
    const found = await runCommand(incidentsCommand, ['--domain', 'PLAY.example.com', '--format', 'json'], settings);
    expect([JSON.parse(found.stdout)[0]?.domain, found.stderr]).toEqual(['play.example.com', '']);
    expect(await runCommand(incidentsCommand, ['--domain', 'play.exmaple.com'], settings)).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'warning: no stream of play.exmaple.com was ever seen\nNo open incident matches.\n',
    });
  });
});

describe('snapaudit notify', () => {
  it('tests a channel, and says with 2 what went wrong', async () => {
    expect(await runCommand(notifyCommand, ['test', 'works'], parts)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('works'),
    });
    expect(await runCommand(notifyCommand, ['test', 'broken'], parts)).toMatchObject({
      exitCode: 2,
      stderr: 'broken: The mail server said no.\n',
    });
    await expect(runCommand(notifyCommand, ['test', 'none'], parts)).rejects.toThrow(
      'There is no channel "none" (works, broken).',
    );
  });
  it('lists channels and deliveries', async () => {
    expect(await runCommand(notifyCommand, ['channels'], parts)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/off since .*: The mail server said \ufffd\[1mno\./),
    });
    expect((await runCommand(notifyCommand, ['list', '--format', 'csv'], parts)).stdout).toMatch(
      /works,\d+,opened,pending/,
    );
  });
});

describe('snapaudit silence', () => {
  it('adds, lists and ends', async () => {
    const added = await runCommand(
      silenceCommand,
      ['add', '--domain', 'Play.Example.com', '--for', '2h', '--reason', 'moving'],
      parts,
    );
    const id = /Silence (\d+) holds until/.exec(added.stdout)?.[1] ?? '';
    expect((await runCommand(silenceCommand, ['list'], parts)).stdout).toMatch(/play\.example\.com +moving/);
    expect(await runCommand(silenceCommand, ['end', id], parts)).toMatchObject({
      stdout: `Silence ${id} has ended.\n`,
    });
    expect(await runCommand(silenceCommand, ['add', '--reason', 'no end'], parts)).toMatchObject({ exitCode: 2 });
  });
});

describe('snapaudit maintenance', () => {
  it('excuses a window, schedules one that comes again, lists and takes back', async () => {
    const from = new Date(Date.now() - 3_600_000).toISOString();
    const excused = await runCommand(
      maintenanceCommand,
      ['excuse', '--from', from, '--for', '30m', '--reason', 'switch'],
      parts,
    );
    const window = /Excused as (\d+)/.exec(excused.stdout)?.[1] ?? '';
    const added = await runCommand(
      maintenanceCommand,
      ['add', '--cron', '0 2 * * *', '--time-zone', 'Asia/Shanghai', '--for', '30m', '--reason', 'nightly'],
      parts,
    );
    const schedule = /Maintenance (\d+)/.exec(added.stdout)?.[1] ?? '';
    const { stdout } = await runCommand(maintenanceCommand, ['list'], parts);
    expect(stdout).toContain(`schedule ${schedule}  "0 2 * * *" Asia/Shanghai, 30 min  everything  nightly`);
    expect(stdout).toContain(`window ${window}`);
    await runCommand(maintenanceCommand, ['end', schedule], parts);
    await runCommand(maintenanceCommand, ['cancel', window], parts);
    expect(await runCommand(maintenanceCommand, ['list'], parts)).toMatchObject({
      stdout: '',
      stderr: 'There is no maintenance.\n',
    });
  });
  it('writes down who did what', async () => {
    const actions = await createOperatorLog(database).list({
      window: { from: null, to: null },
      after: null,
      limit: 50,
    });
    expect(actions.map(({ action }) => action)).toEqual(
      expect.arrayContaining([
        'incidents ack',
        'silence add',
        'silence end',
        'maintenance excuse',
        'maintenance add',
        'maintenance end',
      ]),
    );
  });
});

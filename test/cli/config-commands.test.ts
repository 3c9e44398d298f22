import { chmod, lstat, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { applyCommand } from '../../src/cli/apply.ts';
import type { ConfigHandle } from '../../src/cli/config-handle.ts';
import { configsCommand } from '../../src/cli/configs.ts';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { planCommand } from '../../src/cli/plan.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { loadSettings, parseSettings } from '../../src/config/load-settings.ts';
import { CouldNotLookError } from '../../src/ports.ts';
import { desiredDomains } from '../../src/usecases/desired-domains.ts';
import { runCommand } from '../support/command.ts';
import {
  type ConfigWorld,
  createConfigWorld,
  OUR_CALLBACK,
  OUR_KEY,
  PLAY,
  PUSH,
  settingsFor,
  standing,
  THEIR_CALLBACK,
  theirConfig,
} from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const SETTINGS = `# our cameras
domains:
  - domain: ${PLAY} # the only one
    pushDomain: push.example.com
    apps:
      - app: live
        interval: 10s
        bucket: my-bucket
        endpoint: oss-cn-shanghai.aliyuncs.com
        sequenceObject: "{AppName}/{StreamName}/{UnixTimestamp}.jpg"
`;

let database: TestDatabase;
let world: ConfigWorld;
let directory: string;
let settingsFile: string;
beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-configs-'));
  settingsFile = path.join(directory, 'snapaudit.yaml');
});
afterAll(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  world = await createConfigWorld(database);
  world.state.putConfig(theirConfig('live', { intervalSeconds: 30 }));
  world.state.putConfig(theirConfig('others', { overwriteObject: '{StreamName}.jpg' }));
  world.state.setCallbackAuth(PLAY, { enabled: true, key: 'theirkeytheirkey0001' });
  world.advance(60_000);
  await writeFile(settingsFile, SETTINGS);
});

const parts = {
  openConfigControl: async (): Promise<ConfigHandle> => ({
    ports: world.ports,
    operatorLog: createOperatorLog(database),
    settings: parseSettings(SETTINGS, 'snapaudit.yaml'),
    settingsFile,
    desired: settingsFor([{ app: 'live' }]),
    publicUrl: 'https://audit.example.com',
    previousKey: null,
    close: async () => {},
  }),
};

const blindPorts = () =>
  world.replica({
    before: () => {
      throw new CouldNotLookError('The Live API did not answer.', { reason: 'unreachable', transient: true });
    },
  });

describe('snapaudit plan', () => {
  it('prints what differs, field by field, without keys, and ends with 1', async () => {
    const { stdout, exitCode } = await runCommand(planCommand, [], parts);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/live\s+drifted\s+intervalSeconds\s+30\s+10/);
    expect(stdout).toMatch(new RegExp(`live\\s+drifted\\s+callback\\s+${THEIR_CALLBACK}\\s+${OUR_CALLBACK}`));
    expect(stdout).toMatch(/\(callback key\)\s+drifted\s+key\s+another key\s+ours/);
    expect(stdout).toMatch(/others\s+unmanaged/);
    expect(stdout).not.toMatch(new RegExp(`${OUR_KEY}|theirkey`));
  });

  it('prints JSON for machines, without keys', async () => {
    const { stdout } = await runCommand(planCommand, ['--format', 'json'], parts);
    expect(JSON.parse(stdout).domains[0].entries[0]).toMatchObject({ app: 'live', state: 'drifted' });
    expect(stdout).not.toMatch(new RegExp(`${OUR_KEY}|theirkey`));
  });

  it('ends with 0 after an apply, and with 2 for a domain that the settings do not know', async () => {
    await runCommand(applyCommand, ['--yes'], parts);
    expect((await runCommand(planCommand, [], parts)).exitCode).toBe(0);
    await expect(runCommand(planCommand, ['--domain', 'x.example.com'], parts)).rejects.toThrow(
      'no domain x.example.com',
    );
  });

  it('adopts configs that are not in the settings, keeps comments, and forwards to whoever received before', async () => {
    await runCommand(planCommand, ['--adopt'], parts);
    const text = await readFile(settingsFile, 'utf8');
    expect(text).toContain('# our cameras');
    expect(text).toContain('# the only one');
    const { domains } = await loadSettings(settingsFile);
    expect(domains[0]!.apps.map(({ app }) => app)).toEqual(['live', 'others']);
    expect(domains[0]!.apps[1]).toMatchObject({ overwriteObject: '{StreamName}.jpg', forward: THEIR_CALLBACK });
  });
});

describe('snapaudit plan --adopt', () => {
  it('puts the new settings in the place of the old ones as a whole, behind a link too, and leaves mode and nothing else', async () => {
    const linked = await mkdtemp(path.join(directory, 'linked-'));
    const target = path.join(linked, 'real.yaml');
    const link = path.join(linked, 'link.yaml');
    await writeFile(target, SETTINGS);
    await chmod(target, 0o640);
    await symlink('real.yaml', link);
    const openConfigControl = async () => ({ ...(await parts.openConfigControl()), settingsFile: link });
    const before = await open(target);
    try {
      await runCommand(planCommand, ['--adopt'], { openConfigControl });
      // Whoever was reading it reads it to its end.
      expect(await before.readFile('utf8')).toBe(SETTINGS);
    } finally {
      await before.close();
    }
    expect((await loadSettings(target)).domains[0]!.apps.map(({ app }) => app)).toEqual(['live', 'others']);
    expect((await readdir(linked)).sort()).toEqual(['link.yaml', 'real.yaml']);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await stat(target)).mode & 0o777).toBe(0o640);
  });
});

describe('snapaudit plan of an account with more in it', () => {
  it('lists the domains that are not in the settings', async () => {
    world.state.addDomain({ domain: 'shop.example.com', pushDomains: ['push.shop.example.com'] });
    const table = await runCommand(planCommand, [], parts);
    expect(table.stdout).toMatch(/shop\.example\.com\s+unmanaged\s+not in the settings, left alone/);
    expect(table.stdout).not.toContain('push.shop.example.com');
    const json = await runCommand(planCommand, ['--format', 'json'], parts);
    expect(JSON.parse(json.stdout).otherDomains).toEqual(['shop.example.com']);
  });

  it('adopts nothing that the settings could not be read with', async () => {
    world.state.putConfig(theirConfig('upper', { sequenceObject: '{StreamName}/{Sequence}.JPG' }));
    await expect(runCommand(planCommand, ['--adopt'], parts)).rejects.toThrow(/nothing was written.*\.jpg/s);
    expect(await readFile(settingsFile, 'utf8')).toBe(SETTINGS);
  });

  it.each(['apps: []', ''])('adopts into a domain that has no apps yet (%s)', async (apps) => {
    const lines = ['domains:', `  - domain: ${PLAY} # the only one`, ...(apps ? [`    ${apps}`] : [])];
    await writeFile(settingsFile, `${lines.join('\n')}\n`);
    const settings = await loadSettings(settingsFile);
    const ours = { publicUrl: 'https://audit.example.com', callbackKey: OUR_KEY };
    const openConfigControl = async () => ({
      ...(await parts.openConfigControl()),
      desired: desiredDomains(settings, ours),
    });
    await runCommand(planCommand, ['--adopt'], { openConfigControl });
    const { domains } = await loadSettings(settingsFile);
    expect(domains[0]!.apps.map(({ app }) => app)).toEqual(['live', 'others']);
    expect(await readFile(settingsFile, 'utf8')).toMatch(/# the only one[^[{]*- app: live\n/);
  });
});

describe('snapaudit apply and restore', () => {
  it('change nothing without an answer or --yes', async () => {
    const before = standing(world.state);
    await expect(runCommand(applyCommand, [], parts)).rejects.toThrow('--yes');
    expect(standing(world.state)).toEqual(before);
  });

  it('say what they do, and give back what stood before', async () => {
    const before = standing(world.state);
    const applied = await runCommand(applyCommand, ['--yes'], parts);
    expect(applied.exitCode).toBe(0);
    expect(applied.stderr).toContain(`done: update ${PLAY}/live: intervalSeconds, callback`);
    expect(applied.stderr).toContain('3 changes made.');
    expect(world.state.config(PLAY, 'live')?.callback).toBe(OUR_CALLBACK);
    const restored = await runCommand(restoreCommand, ['--yes'], parts);
    expect(restored.exitCode).toBe(0);
    expect(restored.stdout).toContain(`set the callback key of ${PLAY}`);
    expect(restored.stdout).toContain(`  intervalSeconds: 30\n  callback: ${THEIR_CALLBACK}\n`);
    expect(standing(world.state)).toEqual(before);
    expect((await runCommand(restoreCommand, ['--yes'], parts)).stderr).toContain('Nothing is remembered');
  });

  it('say of an apply in enforce mode that a service with other settings only reports', async () => {
    const desired = settingsFor([{ app: 'live' }], { mode: 'enforce' });
    const enforced = { openConfigControl: async () => ({ ...(await parts.openConfigControl()), desired }) };
    const hint = `only reports on ${PLAY}; it heals again once it is restarted`;
    expect((await runCommand(applyCommand, ['--yes'], enforced)).stderr).toContain(hint);
    // Nothing was changed.
    expect((await runCommand(applyCommand, ['--yes'], enforced)).stderr).not.toContain('restarted');
    await runCommand(restoreCommand, ['--yes'], parts);
    expect((await runCommand(applyCommand, ['--yes'], parts)).stderr).not.toContain('restarted');
  });

  it('do not speak of nothing to change where nobody could look', async () => {
    const blind = { openConfigControl: async () => ({ ...(await parts.openConfigControl()), ports: blindPorts() }) };
    const applied = await runCommand(applyCommand, ['--yes'], blind);
    expect(applied.exitCode).toBe(2);
    expect(applied.stderr).toContain('Nothing was changed, for no domain could be looked at.');
    expect(applied.stderr).not.toContain('Nothing to change');
    await runCommand(applyCommand, ['--yes'], parts);
    const restored = await runCommand(restoreCommand, ['--yes'], blind);
    expect(restored.exitCode).toBe(2);
    expect(restored.stderr).not.toContain('Nothing is remembered');
    const rotated = await runCommand(configsCommand, ['rotate-key', '--yes'], blind);
    expect(rotated.exitCode).toBe(2);
    expect(rotated.stderr).not.toContain('the key stands');
  });

  it('show of the receiver before us where it is, not what gives access to it, and give it back whole', async () => {
    const receiver = 'https://bot:s3cret@old.example.com/cb?app=live&token=s3cret#s3cret';
    const shown = 'https://…@old.example.com/cb?app=…&token=…#…';
    world.state.putConfig(theirConfig('live', { callback: receiver }));
    world.state.putConfig(theirConfig('others', { callback: `${receiver}/callbacks/snapshot` }));
    world.state.setPushNotify(PUSH, { url: receiver, auth: { enabled: false, key: null }, exceptionUrl: null });
    world.state.setSnapshotNotify(PLAY, { url: receiver, auth: { enabled: false, key: null }, exceptionUrl: null });
    const before = standing(world.state);
    const outputs = [
      await runCommand(planCommand, ['--adopt'], parts),
      await runCommand(planCommand, ['--format', 'json'], parts),
      await runCommand(configsCommand, ['--format', 'json'], parts),
      await runCommand(applyCommand, ['--yes'], parts),
      await runCommand(configsCommand, ['history'], parts),
      await runCommand(configsCommand, ['history', '--format', 'json'], parts),
      await runCommand(restoreCommand, ['--yes'], parts),
    ].map(({ stdout, stderr }) => `${stdout}${stderr}`);
    expect(outputs.join()).not.toContain('s3cret');
    for (const output of outputs) if (!/done: update/.test(output)) expect(output).toContain(shown);
    expect(outputs.at(-1)).toContain(`  callback: ${shown}\n`);
    expect(outputs.at(-1)).toContain(`set the push callback of ${PUSH} to ${shown}`);
    expect(standing(world.state)).toEqual(before);
    expect((await loadSettings(settingsFile)).domains[0]?.apps[1]?.forward).toBe(`${receiver}/callbacks/snapshot`);
  });

  it('let no escape sequence of somebody else’s URL reach the terminal', async () => {
    const receiver = 'https://old.example.com/\u001b[2J';
    const auth = { enabled: false, key: null };
    world.state.putConfig(theirConfig('live', { callback: receiver }));
    world.state.setPushNotify(PUSH, { url: receiver, auth, exceptionUrl: null });
    world.state.setSnapshotNotify(PLAY, { url: receiver, auth, exceptionUrl: null });
    const outputs = [
      await runCommand(planCommand, [], parts),
      await runCommand(applyCommand, ['--yes'], parts),
      await runCommand(restoreCommand, ['--yes'], parts),
    ].map(({ stdout, stderr }) => `${stdout}${stderr}`);
    for (const output of outputs) expect(output).toContain('https://old.example.com/\ufffd[2J');
    expect(outputs.join()).not.toContain('\u001b');
  });

  it('show no key on either stream', async () => {
    const outputs = [
      await runCommand(applyCommand, ['--yes'], parts),
      await runCommand(restoreCommand, ['--yes'], parts),
    ];
    expect(outputs.map(({ stdout, stderr }) => stdout + stderr).join()).not.toMatch(new RegExp(`${OUR_KEY}|theirkey`));
  });
});

describe('snapaudit configs', () => {
  it('shows states and history as stored, and ends with 1 while something differs', async () => {
    const unseen = await runCommand(configsCommand, [], parts);
    expect(unseen.stderr).toContain('Nobody looked yet: run plan');
    expect(unseen.exitCode).toBe(1);
    await runCommand(planCommand, [], parts);
    expect((await runCommand(configsCommand, [], parts)).stdout).toMatch(/live\s+drifted/);
    await runCommand(applyCommand, ['--yes'], parts);
    const states = await runCommand(configsCommand, [], parts);
    expect(states.exitCode).toBe(0);
    expect(states.stdout).toMatch(/live\s+in_sync/);
    const history = await runCommand(configsCommand, ['history', '--format', 'json'], parts);
    const callbacks = JSON.parse(history.stdout).filter(({ app }: { app: string }) => app === 'live');
    expect(callbacks.map(({ callback }: { callback: string }) => callback)).toEqual([THEIR_CALLBACK, OUR_CALLBACK]);
  });

  it('says "unknown" and ends with 1 where no look has come back', async () => {
    const blind = { openConfigControl: async () => ({ ...(await parts.openConfigControl()), ports: blindPorts() }) };
    await runCommand(planCommand, [], blind);
    const states = await runCommand(configsCommand, [], parts);
    expect(states.stdout).toMatch(/live\s+unknown.*never/);
    expect(states.exitCode).toBe(1);
  });

  it('tells whether the previous key is still needed', async () => {
    await runCommand(applyCommand, ['--yes'], parts);
    expect(await runCommand(configsCommand, ['keys'], parts)).toMatchObject({ exitCode: 1 });
    world.advance(10 * 60_000);
    const keys = await runCommand(configsCommand, ['keys'], parts);
    expect(keys.exitCode).toBe(0);
    expect(keys.stderr).toContain('SNAPAUDIT_CALLBACK_KEY_PREVIOUS may be removed');
  });

  it('does not say that the previous key may go while it does not know of every domain', async () => {
    const desired = [
      ...settingsFor([{ app: 'live' }]),
      ...settingsFor([{ app: 'live' }], { domain: 'b.example.com', pushDomain: null }),
    ];
    const two = { openConfigControl: async () => ({ ...(await parts.openConfigControl()), desired }) };
    await runCommand(applyCommand, ['--yes'], two);
    world.advance(10 * 60_000);
    // The other domain does not exist at the vendor, so it could not be looked at.
    const keys = await runCommand(configsCommand, ['keys'], two);
    expect(keys).toMatchObject({ exitCode: 2, stderr: expect.not.stringContaining('may be removed') });
    const one = await runCommand(configsCommand, ['keys', '--domain', PLAY], two);
    expect(one).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('may be removed') });
  });
});

describe('snapaudit configs rotate-key', () => {
  it('shows the calls and asks before it makes them', async () => {
    await runCommand(applyCommand, ['--yes'], parts);
    world.state.setCallbackAuth(PLAY, { enabled: false, key: null });
    await expect(runCommand(configsCommand, ['rotate-key'], parts)).rejects.toThrow('--yes');
    expect(world.state.callbackAuth(PLAY).key).toBeNull();
    const rotated = await runCommand(configsCommand, ['rotate-key', '--yes'], parts);
    expect(rotated.exitCode).toBe(0);
    expect(rotated.stdout).toContain(`set the callback key of ${PLAY}`);
    expect(rotated.stderr).toMatch(/restart each with the new key in.*before you go on.*done: .*only reports/s);
    expect(world.state.callbackAuth(PLAY).key).toBe(OUR_KEY);
  });

  it('has nothing to do where nothing was taken over', async () => {
    const before = standing(world.state);
    const rotated = await runCommand(configsCommand, ['rotate-key', '--yes'], parts);
    expect(rotated.stderr).toContain('Nothing to change');
    expect(rotated.stderr).not.toContain('restart');
    expect(standing(world.state)).toEqual(before);
  });
});

describe('snapaudit doctor', () => {
  it('prints a line a check with its remedy, and ends with 1 where one failed', async () => {
    const lines = [
      { check: 'settings', status: 'ok' as const, detail: '1 domain', remedy: null },
      { check: 'database', status: 'fail' as const, detail: 'nothing listens there', remedy: 'Start it.' },
    ];
    const openDoctor = async () => ({ lines, subject: null, close: async () => {} });
    const { stdout, exitCode } = await runCommand(doctorCommand, [], { openDoctor });
    expect(stdout).toBe('ok    settings: 1 domain\nfail  database: nothing listens there. Start it.\n');
    expect(exitCode).toBe(1);
  });

  it('prints every mistake of the settings on a line of its own', async () => {
    const detail = 'snapaudit.yaml has 2 mistakes:\n  - line 3: one\n  - line 7: \u001b[31mother';
    const lines = [{ check: 'settings', status: 'fail' as const, detail, remedy: 'Correct the lines named.' }];
    const openDoctor = async () => ({ lines, subject: null, close: async () => {} });
    const { stdout } = await runCommand(doctorCommand, [], { openDoctor });
    expect(stdout.split('\n')).toEqual([
      'fail  settings: snapaudit.yaml has 2 mistakes:',
      '        - line 3: one',
      '        - line 7: \ufffd[31mother. Correct the lines named.',
      '',
    ]);
  });
});

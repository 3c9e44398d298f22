import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOperatorLog } from '../../src/adapters/postgres/operator-log.ts';
import { createHistoryReads } from '../../src/adapters/postgres/query-history.ts';
import type { CommandContext } from '../../src/cli/command-context.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import type { ConfigHandle } from '../../src/cli/config-handle.ts';
import { makeChanges } from '../../src/cli/make-changes.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { PlanStep } from '../../src/core/config-plan.ts';
import { createTestAlerting } from '../support/alerting-handle.ts';
import { runCommand } from '../support/command.ts';
import { type ConfigWorld, createConfigWorld, PLAY, settingsFor, theirConfig } from '../support/config-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillHistory, NOW } from '../support/filled-history.ts';
import { createTestQueryHandle } from '../support/query-handle.ts';

/** Every command that changes something that others rely on writes it to the operator log, as its twin of the API does. */

const WRITES: [command: string, args: string[]][] = [
  ['apply', ['--yes']],
  ['configs rotate-key', ['--force', '--yes']],
  ['restore', ['--yes']],
  ['tokens create', ['--name', 'x']],
  ['tokens revoke', ['1']],
  ['quarantine retry', []],
  ['quarantine drop', ['2']],
  ['incidents ack', ['1']],
  ['notify test', ['works']],
  ['silence add', ['--for', '1h', '--reason', 'works']],
  ['silence end', ['1']],
  ['maintenance excuse', ['--from', '2026-11-24T00:00:00Z', '--for', '1h', '--reason', 'works']],
  ['maintenance add', ['--cron', '0 3 * * *', '--for', '1h', '--reason', 'works']],
  ['maintenance end', ['1']],
  ['maintenance cancel', ['2']],
];

/** These read, or run what the service does by itself. */
const OTHERS = [
  ...['captures url', 'gaps show', 'sessions slots', 'streams apps', 'streams domains', 'tokens log'],
  ...['audit', 'audits', 'captures', 'configs', 'configs history', 'configs keys', 'coverage', 'demo', 'doctor'],
  ...['export captures', 'export coverage', 'export evidence', 'export gaps', 'export report', 'gaps', 'incidents'],
  ...[
    'incidents show',
    'judge',
    'maintenance list',
    'migrate',
    'notify channels',
    'notify list',
    'plan',
    'quarantine list',
  ],
  ...['quarantine show', 'sandbox', 'serve', 'sessions', 'silence list', 'streams', 'tokens list'],
];

let database: TestDatabase;
let world: ConfigWorld;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await createConfigWorld(database);
  world.state.putConfig(theirConfig('live'));
  world.state.setCallbackAuth(PLAY, { enabled: true, key: 'theirkeytheirkey0001' });
  await fillHistory(database);
  await database.pool.query(
    `insert into quarantine (received_at, kind, reason, body) values (now(), 'rejected', 'x', 'x')`,
  );
});
afterAll(() => database?.drop());

const parts: Partial<CommandContext> = {
  openQueries: () => createTestQueryHandle(database, NOW)(),
  openAlerting: async () => ({
    alerting: createTestAlerting(database, { now: () => Date.now() }),
    operatorLog: createOperatorLog(database),
    domains: createHistoryReads(database).domains,
    close: async () => {},
  }),
  openConfigControl: async (): Promise<ConfigHandle> => ({
    ports: world.ports,
    operatorLog: createOperatorLog(database),
    settings: {} as Settings,
    settingsFile: 'snapaudit.yaml',
    desired: settingsFor([{ app: 'live' }]),
    publicUrl: 'https://audit.example.com',
    previousKey: null,
    close: async () => {},
  }),
};

it('the lists above hold every command', () => {
  const named = (command: Command, before = ''): string[] => {
    const name = `${before}${command.name()}`;
    const below = command.commands.flatMap((each) => named(each, `${name} `));
    const acts = below.length === 0 || ('_actionHandler' in command && command._actionHandler !== null);
    return [...(acts ? [name] : []), ...below];
  };
  const all = COMMANDS.flatMap((create) => named(create({} as CommandContext)));
  expect(all.sort()).toEqual([...WRITES.map(([name]) => name), ...OTHERS].sort());
});

it.each(WRITES)('%s is recorded', async (name, args) => {
  const [first, ...rest] = name.split(' ');
  const create = COMMANDS.find((each) => each({} as CommandContext).name() === first)!;
  const { exitCode, stderr } = await runCommand(create, [...rest, ...args], parts);
  // A retry that stores nothing ends with 1.
  expect([exitCode, stderr]).not.toEqual([2, expect.any(String)]);
  const { rows } = await database.pool.query('select action, actor, detail from operator_log order by id desc limit 1');
  expect(rows[0]).toMatchObject({ action: name, actor: 'command line' });
  if (name === 'apply') expect(rows[0].detail.done).toContain(`update ${PLAY}/live: callback`);
  expect(JSON.stringify(rows[0])).not.toMatch(/theirkey|ourkey/);
});

it('a change that breaks off midway is recorded as far as it came', async () => {
  const context = { stderr: new PassThrough() } as unknown as CommandContext;
  const breaking = makeChanges(
    context,
    { operatorLog: createOperatorLog(database) },
    { action: 'apply', domains: [PLAY] },
    async (onStep) => {
      onStep({ kind: 'delete_callback_auth', domain: PLAY } as PlanStep);
      throw new Error('the vendor went away');
    },
  );
  await expect(breaking).rejects.toThrow('went away');
  const { rows } = await database.pool.query('select target, detail from operator_log order by id desc limit 1');
  expect(rows[0]).toEqual({
    target: PLAY,
    detail: { done: [`remove the callback key of ${PLAY}`], problems: ['the vendor went away'] },
  });
});

import type { Command } from 'commander';
import { applyCommand } from './apply.ts';
import { auditCommand } from './audit.ts';
import { auditsCommand } from './audits.ts';
import { capturesCommand } from './captures.ts';
import type { CommandContext } from './command-context.ts';
import { configsCommand } from './configs.ts';
import { coverageCommand } from './coverage.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export.ts';
import { gapsCommand } from './gaps.ts';
import { incidentsCommand } from './incidents.ts';
import { judgeCommand } from './judge.ts';
import { maintenanceCommand } from './maintenance.ts';
import { migrateCommand } from './migrate.ts';
import { notifyCommand } from './notify.ts';
import { planCommand } from './plan.ts';
import { quarantineCommand } from './quarantine.ts';
import { restoreCommand } from './restore.ts';
import { sandboxCommand } from './sandbox.ts';
import { serveCommand } from './serve.ts';
import { sessionsCommand } from './sessions.ts';
import { silenceCommand } from './silence.ts';
import { streamsCommand } from './streams.ts';
import { tokensCommand } from './tokens.ts';

/** Every command, in the order of `--help`. To add one: write `src/cli/<name>.ts` and put it here. */
export const COMMANDS: ((context: CommandContext) => Command)[] = [
  demoCommand,
  serveCommand,
  migrateCommand,
  planCommand,
  applyCommand,
  restoreCommand,
  configsCommand,
  doctorCommand,
  auditCommand,
  auditsCommand,
  streamsCommand,
  sessionsCommand,
  capturesCommand,
  gapsCommand,
  coverageCommand,
  quarantineCommand,
  exportCommand,
  judgeCommand,
  incidentsCommand,
  notifyCommand,
  silenceCommand,
  maintenanceCommand,
  tokensCommand,
  sandboxCommand,
];

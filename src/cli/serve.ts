import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';

export function serveCommand(context: CommandContext): Command {
  return new Command('serve')
    .description('Run the service: receive callbacks, track sessions, audit, alert, answer queries.')
    .addHelpText(
      'after',
      '\nConfigured by the environment and the settings file (README, "Configuration"). Without DATABASE_URL an embedded\n' +
        'PostgreSQL runs under SNAPAUDIT_DATA_DIR. Without a token it listens on loopback only.',
    )
    .action(async () => {
      const service = await context.createService();
      try {
        await service.start();
        context.stderr.write(`listening on ${service.url()}\n`);
        await context.untilStopped();
        context.stderr.write('stopping\n');
      } finally {
        await service.close();
      }
    });
}

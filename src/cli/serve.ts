import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';

/** Who stops a service (systemd, Kubernetes, Docker) kills it after ten seconds, or more. */
const EXIT_WITHIN_MS = 9_000;

export function serveCommand(context: CommandContext): Command {
  return new Command('serve')
    .description('Run the service: receive callbacks, track sessions, audit, alert, answer queries.')
    .addHelpText(
      'after',
      '\nConfigured by the environment and the settings file (README, "Running it"). Without DATABASE_URL an embedded\n' +
        'PostgreSQL runs under SNAPAUDIT_DATA_DIR. Without a token it listens on loopback only. Settings and keys are read once, at the\n' +
        'start; when others are applied meanwhile it heals nothing of them (mode: enforce) until it is restarted.',
    )
    .action(async () => {
      // From the first moment on: a start may have to wait for the database.
      const stopped = context.untilStopped(EXIT_WITHIN_MS);
      const service = await context.createService();
      try {
        await Promise.race([stopped, service.start()]);
        context.stderr.write(`listening on ${service.url()}\n`);
        await stopped;
        context.stderr.write('stopping\n');
      } finally {
        await service.close();
      }
    });
}

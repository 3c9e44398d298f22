import { Command } from 'commander';
import {
  INCIDENT_KINDS,
  INCIDENT_STATUSES,
  type Incident,
  type IncidentKind,
  SEVERITIES,
  type Severity,
} from '../core/incident.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import { scopeText } from '../core/message.ts';
import { messageWords } from '../core/message-words.ts';
import { COMMAND_LINE } from './alerting-handle.ts';
import type { CommandContext } from './command-context.ts';
import { allPages, printRows, shortTime } from './print-rows.ts';
import {
  type FormatFlags,
  instant,
  oneOf,
  type ScopeFlags,
  type WindowFlags,
  wholeNumber,
  withFormat,
  withLimit,
  withScope,
  withWindow,
} from './query-flags.ts';
import { printable, type TableColumn } from './table.ts';
import { warnOfUnknownDomains } from './unknown-domains.ts';

interface Flags extends ScopeFlags, WindowFlags, FormatFlags {
  status?: Incident['status'][];
  kind?: IncidentKind[];
  severity?: Severity[];
  all?: boolean;
  limit: number;
}

const COLUMNS: TableColumn<Incident>[] = [
  { header: 'id', value: (row) => row.id, align: 'right', keep: true },
  { header: 'status', value: (row) => row.status, keep: true },
  { header: 'severity', value: (row) => row.severity },
  { header: 'kind', value: (row) => row.kind, keep: true },
  { header: 'where', value: (row) => [scopeText(row.scope, 'en'), row.key].filter(Boolean).join(' '), keep: true },
  { header: 'since (UTC)', value: (row) => shortTime(row.since), keep: 'whole' },
  { header: 'streams', value: (row) => (row.total > 0 ? `${row.affected}/${row.total}` : ''), align: 'right' },
  { header: 'slots', value: (row) => row.missed, align: 'right' },
  { header: 'cause', value: (row) => row.cause },
  { header: 'by', value: (row) => row.acknowledgedBy },
];

const FIELDS = [
  'id',
  'kind',
  'status',
  'severity',
  'domain',
  'app',
  'stream',
  'key',
  'since',
  'openedAt',
  'resolvedAt',
  'resolution',
  'affected',
  'total',
  'missed',
  'expected',
  'cause',
  'foldedInto',
  'acknowledgedBy',
  'acknowledgedUntil',
] as const;

export function incidentsCommand(context: CommandContext): Command {
  const command = new Command('incidents')
    .description('What people are told about: open and acknowledged incidents, newest first.')
    .option('--status <status>', 'only these; may be given more than once', oneOf(INCIDENT_STATUSES))
    .option('--kind <kind>', 'only these; may be given more than once', oneOf(INCIDENT_KINDS))
    .option('--severity <severity>', 'only these; may be given more than once', oneOf(SEVERITIES))
    .option('--all', 'resolved ones too')
    .addHelpText('after', '\nEnds with 1 where an incident is open and nobody has acknowledged it.');
  withFormat(withLimit(withWindow(withScope(command)), 100));
  command.action(async ({ all, status, format, limit, ...words }: Flags) => {
    const { alerting, domains, close } = await context.openAlerting();
    try {
      await warnOfUnknownDomains(context, words, domains);
      const wanted = status ?? (all ? undefined : ['open' as const, 'acknowledged' as const]);
      let unattended = false;
      async function* rows() {
        for await (const row of allPages(context, alerting.incidents, { ...words, status: wanted }, limit)) {
          unattended ||= row.status === 'open';
          yield row;
        }
      }
      await printRows(context, rows(), {
        format,
        columns: COLUMNS,
        fields: FIELDS,
        record: incidentRecord,
        nothing: wanted?.includes('resolved') === false ? 'No open incident matches.' : 'No incident matches.',
      });
      // What the limit left out is not clean for that.
      if (!unattended && (wanted?.includes('open') ?? true)) {
        unattended = (await alerting.incidents({ ...words, status: ['open'], limit: 1 })).data.length > 0;
      }
      context.setExitCode(unattended ? 1 : 0);
    } finally {
      await close();
    }
  });
  command.addCommand(showCommand(context));
  command.addCommand(acknowledgeCommand(context));
  return command;
}

function showCommand(context: CommandContext): Command {
  return new Command('show')
    .description('One incident with everything that happened to it.')
    .argument('<id>', 'of the incident', wholeNumber)
    .action(async (id: number) => {
      const { alerting, close } = await context.openAlerting();
      try {
        const { incident, transitions } = await alerting.incident(id);
        const words = messageWords('en');
        const lines: [string, string | number | null][] = [
          ['incident', `${id} ${incident.kind} (${words.kind[incident.kind]})`],
          ['where', scopeText(incident.scope, 'en')],
          ['status', `${incident.status}${incident.resolution ? ` (${incident.resolution})` : ''}`],
          ['since', formatInstant(incident.since)],
          ['streams', incident.total > 0 ? words.streams(incident.affected, incident.total) : null],
          [
            'slots',
            incident.missed === null ? null : words.slots(incident.missed, incident.expected ?? incident.missed),
          ],
          ['cause', incident.cause],
          ['affected', incident.facts.streams?.join(', ') ?? null],
          ['detail', incident.facts.detail ?? null],
          ['folded into', incident.foldedInto],
        ];
        for (const [label, value] of lines) if (value !== null) context.stdout.write(`${label}: ${printable(value)}\n`);
        for (const { at, kind, actor, reason } of transitions) {
          context.stdout.write(
            `${formatInstant(at)}  ${kind} by ${printable(actor)}${reason ? `: ${printable(reason)}` : ''}\n`,
          );
        }
      } finally {
        await close();
      }
    });
}

interface AcknowledgeFlags {
  reason?: string;
  until?: Instant;
  author?: string;
}

function acknowledgeCommand(context: CommandContext): Command {
  return new Command('ack')
    .description('Acknowledge an incident: nobody is told again until it is resolved, or until the given time.')
    .argument('<id>', 'of the incident', wholeNumber)
    .option('--reason <text>', 'why, for the others')
    .option('--until <time>', 'then people are told again if it is still open', instant)
    .option('--author <name>', 'who you are')
    .action(async (id: number, { reason, until, author }: AcknowledgeFlags) => {
      const { alerting, operatorLog, close } = await context.openAlerting();
      try {
        const by = author ?? COMMAND_LINE;
        await alerting.acknowledge({ id, by, until: until ?? null, reason: reason ?? null });
        await operatorLog.record({
          actor: COMMAND_LINE,
          action: 'incidents ack',
          target: String(id),
          detail: { reason, until, author },
          status: null,
          remoteAddress: null,
        });
        context.stdout.write(`Incident ${id} is acknowledged by ${by}.\n`);
      } finally {
        await close();
      }
    });
}

function incidentRecord(row: Incident) {
  return {
    ...row.scope,
    id: row.id,
    kind: row.kind,
    status: row.status,
    severity: row.severity,
    key: row.key,
    since: formatInstant(row.since),
    openedAt: formatInstant(row.openedAt),
    resolvedAt: row.resolvedAt === null ? null : formatInstant(row.resolvedAt),
    resolution: row.resolution,
    affected: row.affected,
    total: row.total,
    missed: row.missed,
    expected: row.expected,
    cause: row.cause,
    foldedInto: row.foldedInto,
    acknowledgedBy: row.acknowledgedBy,
    acknowledgedUntil: row.acknowledgedUntil === null ? null : formatInstant(row.acknowledgedUntil),
  };
}

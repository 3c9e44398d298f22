import type { Incident, IncidentKind, Severity } from '../core/incident.ts';
import type { Instant } from '../core/instant.ts';
import type { NotificationStatus } from '../core/notification-status.ts';
import { RefusalError } from '../core/refusal.ts';
import type { WindowWords } from '../core/time-window.ts';
import type {
  Clock,
  ExcusedSpanRow,
  ExcusedStore,
  IncidentStore,
  IncidentTransition,
  MaintenanceSchedule,
  MaintenanceStore,
  NotificationRow,
  NotificationStore,
  SilenceRow,
  SilenceStore,
} from '../ports.ts';
import { acknowledgeIncident } from './acknowledge-incident.ts';
import { isId, isInstant, type Page, type PageWords, readPage, readWindowPage } from './query-paging.ts';
import { endMaintenance, excuseOnce, scheduleMaintenance } from './schedule-maintenance.ts';
import { endSilence, type SilenceRequest, silenceIncidents } from './silence-incidents.ts';

export interface IncidentWords extends PageWords, WindowWords {
  status?: Incident['status'][] | undefined;
  kind?: IncidentKind[] | undefined;
  severity?: Severity[] | undefined;
  domain?: string[] | undefined;
  app?: string[] | undefined;
  stream?: string[] | undefined;
}

export interface NotificationWords extends PageWords, WindowWords {
  channel?: string[] | undefined;
  status?: NotificationStatus[] | undefined;
  incident?: number | undefined;
}

export interface ChannelView {
  name: string;
  type: string;
  disabledAt: Instant | null;
  disabledReason: string | null;
}

/** What people do with alerting, by API and by command. Everything throws `RefusalError` where it cannot be done. */
export type AlertingHandle = ReturnType<typeof createAlertingHandle>;

export function createAlertingHandle(parts: {
  clock: Clock;
  incidents: IncidentStore;
  notifications: NotificationStore;
  silences: SilenceStore;
  maintenance: MaintenanceStore;
  excused: ExcusedStore;
  channels: readonly { name: string; type: string }[];
  disabled(channel: string): Promise<{ at: Instant; reason: string } | null>;
  testChannel(channel: string): Promise<void>;
}) {
  const { clock } = parts;
  return {
    incidents(words: IncidentWords): Promise<Page<Incident>> {
      const { status, kind, severity, domain, app, stream } = words;
      return readWindowPage<Incident, [number, number]>({
        list: 'incidents',
        words,
        now: clock.now(),
        isPlace: isTimeAndId,
        placeOf: (row) => [row.openedAt, row.id],
        read: (window, place, limit) =>
          parts.incidents.list({ status, kind, severity, domain, app, stream, ...window }, place, limit),
      });
    },

    async incident(id: number): Promise<{ incident: Incident; transitions: IncidentTransition[] }> {
      const incident = await parts.incidents.find(id);
      if (!incident) throw new RefusalError('not-found', `There is no incident ${id}.`);
      return { incident, transitions: await parts.incidents.transitions(id) };
    },

    acknowledge: (request: {
      id: number;
      by: string;
      until: Instant | null;
      reason: string | null;
    }): Promise<Incident> => acknowledgeIncident(parts, request),

    notifications(words: NotificationWords): Promise<Page<NotificationRow>> {
      const { channel, status, incident } = words;
      return readWindowPage<NotificationRow, [number, number]>({
        list: 'notifications',
        words,
        now: clock.now(),
        isPlace: isTimeAndId,
        placeOf: (row) => [row.createdAt, row.id],
        read: (window, place, limit) =>
          parts.notifications.list({ channel, status, incident, ...window }, place, limit),
      });
    },

    channels: (): Promise<ChannelView[]> =>
      Promise.all(
        parts.channels.map(async ({ name, type }) => {
          const off = await parts.disabled(name);
          return { name, type, disabledAt: off?.at ?? null, disabledReason: off?.reason ?? null };
        }),
      ),

    /** Sends a test message now; a `ChannelError` says why it did not get through. */
    async testChannel(name: string): Promise<void> {
      if (!parts.channels.some((channel) => channel.name === name)) {
        const known = parts.channels.map((channel) => channel.name).join(', ') || 'none is configured';
        throw new RefusalError('not-found', `There is no channel "${name}" (${known}).`);
      }
      await parts.testChannel(name);
    },

    silences(words: PageWords): Promise<Page<SilenceRow>> {
      return readPage<SilenceRow, [number]>({
        list: 'silences',
        words,
        isPlace: (values): values is [number] => values.length === 1 && isId(values[0]),
        placeOf: (row) => [row.id],
        read: (place, limit) => parts.silences.list(place?.[0] ?? null, limit),
      });
    },
    silence: (request: SilenceRequest): Promise<SilenceRow> => silenceIncidents(parts, request),
    endSilence: (id: number, by: string): Promise<SilenceRow> => endSilence(parts, id, by),

    maintenance: (all: boolean): Promise<MaintenanceSchedule[]> => parts.maintenance.list(all),
    scheduleMaintenance: (request: Parameters<typeof scheduleMaintenance>[1]): Promise<MaintenanceSchedule> =>
      scheduleMaintenance(parts, request),
    endMaintenance: (id: number): Promise<MaintenanceSchedule> => endMaintenance(parts, id),
    excuse: (request: Parameters<typeof excuseOnce>[1]): Promise<ExcusedSpanRow> => excuseOnce(parts, request),
    excusedSpans: (from: Instant, to: Instant): Promise<ExcusedSpanRow[]> => parts.excused.inForce(from, to),
    async cancelExcused(id: number): Promise<ExcusedSpanRow> {
      const span = await parts.excused.cancel(id, clock.now());
      if (!span) throw new RefusalError('not-found', `There is no excused span ${id} in force.`);
      return span;
    },
  };
}

function isTimeAndId(values: readonly unknown[]): values is [number, number] {
  const [at, id] = values;
  return typeof at === 'number' && isInstant(at) && typeof id === 'number' && id >= 0;
}

import { type Kysely, sql, type UpdateObject } from 'kysely';
import type { Condition, GapReference, Incident, TransitionKind } from '../../core/incident.ts';
import { incidentKey, levelOf, trackOf } from '../../core/incident.ts';
import type { Decision } from '../../core/incident-decisions.ts';
import type { Instant } from '../../core/instant.ts';
import type { NotificationEvent } from '../../core/notification-status.ts';
import { isAtLeast } from '../../core/severity.ts';
import type { IncidentChange, Router } from '../../ports.ts';
import { incidentOf } from './incident-mapping.ts';
import type { Tables } from './tables.ts';
import { timestamp } from './timestamp.ts';

const KEPT_REOPENINGS = 20;
/** Rows of one INSERT stay far below the limit of 65,535 parameters. */
const CHUNK = 500;
const SNAPAUDIT = 'snapaudit';
const CROWD = 200;
const CROWDED_PAUSE_MS = 30_000;

interface Evaluation {
  now: Instant;
  severity: (condition: Condition) => Incident['severity'];
  route: Router;
}

/** Writes what was decided: incident, transition and notification rows together or not at all. */
export async function applyDecisions(
  db: Kysely<Tables>,
  decisions: readonly Decision[],
  evaluation: Evaluation,
): Promise<IncidentChange[]> {
  const { now } = evaluation;
  const changes: {
    kind: TransitionKind;
    incident: Incident;
    event: NotificationEvent | null;
    reason?: string;
    also?: string[];
  }[] = [];
  const opened = await open(
    db,
    decisions.flatMap((decision) => (decision.do === 'open' ? [decision.condition] : [])),
    evaluation,
  );
  for (const incident of opened.values()) changes.push({ kind: 'opened', incident, event: 'opened' });
  const idOf = new Map<string, number>([...opened].map(([key, incident]) => [key, incident.id]));
  const attached: { incidentId: number; gaps: GapReference[] }[] = [];
  for (const decision of decisions) {
    if (decision.do === 'open') {
      attached.push({ incidentId: idOf.get(incidentKey(decision.condition))!, gaps: decision.condition.gaps });
    } else if ('condition' in decision) {
      idOf.set(incidentKey(decision.condition), decision.incident.id);
      attached.push({ incidentId: decision.incident.id, gaps: decision.condition.gaps });
    }
  }

  // The audit that sees the end of a gap makes it longer too, and of one that is over there is no condition any more.
  await countSlots(
    db,
    decisions.flatMap((decision) => (decision.do === 'resolve' ? [decision.incident.id] : [])),
  );
  for (const decision of decisions) {
    switch (decision.do) {
      case 'open':
      case 'attach':
        break;
      case 'reopen': {
        const { incident, condition } = decision;
        const reopened = await update(db, incident, {
          ...measured(condition),
          kind: condition.kind,
          severity: evaluation.severity(condition),
          since: timestamp(condition.since),
          status: 'open',
          resolved_at: null,
          resolution: null,
          clear_since: null,
          confirmed_at: condition.kind === 'gap' ? timestamp(now) : null,
          folded_into: null,
          reopenings: JSON.stringify([...incident.reopenings, now].slice(-KEPT_REOPENINGS)),
          acknowledged_at: null,
          acknowledged_by: null,
          acknowledged_until: null,
          acknowledge_reason: null,
          updated_at: timestamp(now),
        });
        changes.push({ kind: 'reopened', incident: reopened, event: 'reopened' });
        break;
      }
      case 'confirm': {
        const { incident, condition } = decision;
        const confirmed = await update(db, incident, {
          ...measured(condition),
          // The audit speaks when most may have recovered: a confirmation must not make the outage smaller.
          ...peakOf(incident, condition),
          kind: 'gap',
          severity: worse(incident.severity, evaluation.severity(condition)),
          since: timestamp(Math.min(incident.since, condition.since)),
          confirmed_at: timestamp(now),
          // A gap that is over confirms what has cleared already; one that lasts shows that it has not.
          ...(condition.until === null ? { clear_since: null } : {}),
          updated_at: timestamp(now),
        });
        // Whoever left the suspicion out, and hears of gaps, is told now.
        const before = evaluation.route(incident, 'opened');
        const also = evaluation.route(confirmed, 'opened').filter((channel) => !before.includes(channel));
        changes.push({ kind: 'confirmed', incident: confirmed, event: 'updated', also });
        break;
      }
      case 'update':
        await keepUp(db, decision.incident, decision.condition, now, decisions.length > CROWD);
        break;
      case 'clear':
        await update(db, decision.incident, { clear_since: timestamp(now), updated_at: timestamp(now) });
        break;
      case 'resolve': {
        const resolved = await update(db, decision.incident, {
          status: 'resolved',
          resolution: decision.resolution,
          resolved_at: timestamp(now),
          updated_at: timestamp(now),
        });
        changes.push({
          kind: 'resolved',
          incident: resolved,
          event: decision.resolution === 'folded' ? null : 'resolved',
          reason: decision.resolution,
        });
        break;
      }
      case 'fold': {
        const folded = await update(db, decision.incident, {
          folded_into: idOf.get(decision.into)!,
          updated_at: timestamp(now),
        });
        changes.push({ kind: 'folded', incident: folded, event: null });
        break;
      }
      case 'expire-acknowledge': {
        const expired = await update(db, decision.incident, { status: 'open', updated_at: timestamp(now) });
        changes.push({ kind: 'acknowledge-expired', incident: expired, event: null });
        break;
      }
      default:
        decision satisfies never;
    }
  }

  await attach(db, attached);
  const transitionIds = await record(db, changes, now);
  const notifications = changes.flatMap(({ incident, event, also = [] }, index) =>
    event === null
      ? []
      : [...new Set([...evaluation.route(incident, event), ...also])].map((channel) => ({
          channel,
          incident_id: incident.id,
          event,
          cause_key: `transition:${transitionIds[index]}`,
          created_at: timestamp(now),
          due_at: timestamp(now),
        })),
  );
  for (let start = 0; start < notifications.length; start += CHUNK) {
    await db
      .insertInto('notifications')
      .values(notifications.slice(start, start + CHUNK))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return changes.map(({ kind, incident }) => ({ kind, incident }));
}

function worse(a: Incident['severity'], b: Incident['severity']): Incident['severity'] {
  return isAtLeast(a, b) ? a : b;
}

async function open(
  db: Kysely<Tables>,
  conditions: readonly Condition[],
  { now, severity }: Evaluation,
): Promise<Map<string, Incident>> {
  const opened = new Map<string, Incident>();
  for (let start = 0; start < conditions.length; start += CHUNK) {
    const rows = await db
      .insertInto('incidents')
      .values(
        conditions.slice(start, start + CHUNK).map((condition) => ({
          track: trackOf(condition.kind),
          kind: condition.kind,
          ...condition.scope,
          key: condition.key,
          status: 'open' as const,
          severity: severity(condition),
          since: timestamp(condition.since),
          opened_at: timestamp(now),
          updated_at: timestamp(now),
          confirmed_at: condition.kind === 'gap' ? timestamp(now) : null,
          ...measured(condition),
          reopenings: '[]',
        })),
      )
      .returningAll()
      .execute();
    for (const row of rows) {
      const incident = incidentOf(row);
      opened.set(incidentKey(incident), incident);
    }
  }
  return opened;
}

function measured(condition: Condition) {
  return {
    affected: condition.affected,
    total: condition.total,
    missed: condition.missed,
    expected: condition.expected,
    cause: condition.cause,
    facts: JSON.stringify(factsOf(condition)),
  };
}

function factsOf(condition: Condition) {
  return condition.until === null ? condition.facts : { ...condition.facts, until: condition.until };
}

/** Keeps the numbers current; writes only where something differs. */
async function keepUp(
  db: Kysely<Tables>,
  incident: Incident,
  condition: Condition,
  now: Instant,
  crowded: boolean,
): Promise<void> {
  const next = { ...peakOf(incident, condition), cause: condition.cause ?? incident.cause };
  const clearSince = condition.until === null ? null : now;
  const facts = { ...incident.facts, ...factsOf(condition) };
  if (condition.until === null) delete facts.until;
  const same =
    next.affected === incident.affected &&
    next.total === incident.total &&
    next.missed === incident.missed &&
    next.expected === incident.expected &&
    next.cause === incident.cause &&
    clearSince === incident.clearSince &&
    JSON.stringify(facts) === JSON.stringify(incident.facts);
  if (same) return;
  // With very many at once, the mere growing of a number can wait a little.
  const onlyGrew =
    levelOf(incident.scope) === 'stream' && clearSince === incident.clearSince && next.cause === incident.cause;
  if (crowded && onlyGrew && now - incident.updatedAt < CROWDED_PAUSE_MS) return;
  await update(db, incident, {
    ...next,
    facts: JSON.stringify(facts),
    clear_since: clearSince === null ? null : timestamp(clearSince),
    updated_at: timestamp(now),
  });
}

/** The worst that was seen stays, so that the last message tells how much it was. */
function peakOf(incident: Incident, condition: Condition) {
  return {
    affected: Math.max(incident.affected, condition.affected),
    total: Math.max(incident.total, condition.total),
    missed: larger(incident.missed, condition.missed),
    expected: larger(incident.expected, condition.expected),
  };
}

function larger(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

async function update(
  db: Kysely<Tables>,
  incident: Incident,
  change: UpdateObject<Tables, 'incidents', 'incidents'>,
): Promise<Incident> {
  const row = await db
    .updateTable('incidents')
    .set(change)
    .where('id', '=', incident.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return incidentOf(row);
}

/** Ties gaps to the incident that tells of them, and counts the slots that the incident stands for. */
async function attach(
  db: Kysely<Tables>,
  attached: readonly { incidentId: number; gaps: GapReference[] }[],
): Promise<void> {
  const rows = attached.flatMap(({ incidentId, gaps }) => gaps.map((gap) => ({ incidentId, ...gap })));
  if (rows.length === 0) return;
  await sql`
    with batch as (
      select * from unnest(
        ${rows.map((row) => row.incidentId)}::bigint[], ${rows.map((row) => row.streamId)}::integer[],
        ${rows.map((row) => new Date(row.from).toISOString())}::timestamptz[],
        ${rows.map((row) => row.verdict)}::text[], ${rows.map((row) => row.mode)}::text[]
      ) as b (incident_id, stream_id, from_at, verdict, mode)
    )
    update incident_gaps n set incident_id = b.incident_id from batch b
    where (n.stream_id, n.from_at, n.verdict, n.mode) = (b.stream_id, b.from_at, b.verdict, b.mode)
      and n.incident_id is distinct from b.incident_id`.execute(db);
  await countSlots(
    db,
    rows.map((row) => row.incidentId),
  );
}

async function countSlots(db: Kysely<Tables>, incidentIds: readonly number[]): Promise<void> {
  if (incidentIds.length === 0) return;
  await sql`
    update incidents i set missed = s.slots, expected = greatest(i.expected, s.slots)
    from (
      select n.incident_id, sum(g.slots)::integer as slots
      from incident_gaps n join gaps g using (stream_id, from_at, verdict, mode)
      where n.incident_id = any(${[...new Set(incidentIds)]}::bigint[])
      group by n.incident_id
    ) s
    where i.id = s.incident_id and i.kind <> 'silence' and i.missed is distinct from s.slots`.execute(db);
}

async function record(
  db: Kysely<Tables>,
  changes: readonly { kind: TransitionKind; incident: Incident; reason?: string }[],
  now: Instant,
): Promise<number[]> {
  const ids: number[] = [];
  for (let start = 0; start < changes.length; start += CHUNK) {
    const rows = await db
      .insertInto('incident_transitions')
      .values(
        changes.slice(start, start + CHUNK).map(({ kind, incident, reason }) => ({
          incident_id: incident.id,
          at: timestamp(now),
          kind,
          actor: SNAPAUDIT,
          reason: reason ?? null,
          details: JSON.stringify({ affected: incident.affected, total: incident.total, missed: incident.missed }),
        })),
      )
      .returning('id')
      .execute();
    ids.push(...rows.map((row) => row.id));
  }
  return ids;
}

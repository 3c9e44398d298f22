import { describe, expect, it } from 'vitest';
import type { Condition, Incident, Track } from '../../src/core/incident.ts';
import { type Decision, decideIncidents } from '../../src/core/incident-decisions.ts';
import type { Instant } from '../../src/core/instant.ts';
import type { AppTotal } from '../../src/core/storm.ts';
import { incidentOf, RULES, silenceCondition, T0 } from '../support/incidents.ts';

const LOOKED: ReadonlySet<Track> = new Set<Track>(['delivery', 'config_drift']);
const TOTALS: AppTotal[] = [{ domain: 'play.example.com', app: 'live', onAir: 200 }];

function decide(
  conditions: Condition[],
  incidents: Incident[],
  more: { now?: Instant; looked?: ReadonlySet<Track>; auditedUntil?: Instant | null; unreported?: boolean } = {},
): Decision[] {
  return decideIncidents({
    now: more.now ?? T0,
    conditions,
    looked: more.looked ?? LOOKED,
    incidents,
    totals: TOTALS,
    rules: RULES,
    auditedUntil: () => more.auditedUntil ?? null,
    isUnreported: () => more.unreported ?? false,
  });
}

const cam = silenceCondition('cam01');
const gap = silenceCondition('cam01', { kind: 'gap', cause: 'delivery_lost' });

describe('an incident', () => {
  it('opens with the first evaluation that sees the trouble, and only once', () => {
    expect(decide([cam], [])).toEqual([{ do: 'open', condition: cam }]);
    expect(decide([cam], [incidentOf(cam)])).toMatchObject([{ do: 'update' }]);
  });

  it('does not open for trouble that others may be about to join', () => {
    expect(decide([{ ...cam, ripe: false }], [])).toEqual([]);
  });

  it('is confirmed, not doubled, when the audit finds the gap behind a silence', () => {
    expect(decide([gap], [incidentOf(cam)])).toMatchObject([{ do: 'confirm', condition: { cause: 'delivery_lost' } }]);
    expect(decide([gap], [incidentOf(gap, { confirmedAt: T0 })])).toMatchObject([{ do: 'update' }]);
  });

  it('begins to clear when the trouble is gone, and resolves after the hold: just before, at and after', () => {
    expect(decide([], [incidentOf(gap)])).toMatchObject([{ do: 'clear' }]);
    const clearing = incidentOf(gap, { clearSince: T0 });
    expect(decide([], [clearing], { now: T0 + 59_999 })).toEqual([]);
    expect(decide([], [clearing], { now: T0 + 60_000 })).toMatchObject([{ do: 'resolve', resolution: 'recovered' }]);
    expect(decide([gap], [clearing], { now: T0 + 60_000 })).toMatchObject([{ do: 'update' }]);
  });

  it('waits for the audit before a mere suspicion is resolved, and says when the audit withdrew it', () => {
    const clearing = incidentOf(cam, { clearSince: T0 });
    expect(decide([], [clearing], { now: T0 + 61_000 })).toEqual([]);
    expect(decide([], [clearing], { now: T0 + 61_000, auditedUntil: T0 - 1 })).toEqual([]);
    expect(decide([], [clearing], { now: T0 + 61_000, auditedUntil: T0 })).toMatchObject([
      { do: 'resolve', resolution: 'withdrawn' },
    ]);
    expect(decide([], [clearing], { now: T0 + 180_000 })).toMatchObject([{ do: 'resolve', resolution: 'recovered' }]);
  });

  it('is not called good again where its reporter merely fell silent', () => {
    const clearing = incidentOf({ ...gap, kind: 'config_drift' }, { clearSince: T0 });
    expect(decide([], [clearing], { now: T0 + 60_000, unreported: true })).toMatchObject([
      { do: 'resolve', resolution: 'unreported' },
    ]);
  });

  it('is left alone where its facts could not be looked at', () => {
    expect(decide([], [incidentOf(cam)], { looked: new Set<Track>(['config_drift']) })).toEqual([]);
  });

  it('is opened again rather than doubled within half an hour of its resolution, and not later', () => {
    const over = incidentOf(gap, { status: 'resolved', resolvedAt: T0, resolution: 'recovered' });
    const back = { ...gap, since: T0 + 1000 };
    expect(decide([back], [over], { now: T0 + 1_800_000 })).toMatchObject([{ do: 'reopen', incident: { id: 1 } }]);
    expect(decide([back], [over], { now: T0 + 1_800_001 })).toMatchObject([{ do: 'open' }]);
  });

  it('takes a late gap of its own time into the record without telling anyone', () => {
    const over = incidentOf(cam, { status: 'resolved', resolvedAt: T0 + 300_000 });
    const late = { ...gap, since: T0 + 10_000, until: T0 + 40_000 };
    expect(decide([late], [over], { now: T0 + 400_000 })).toMatchObject([{ do: 'attach', incident: { id: 1 } }]);
    const beyond = { ...late, until: T0 + 300_001 };
    expect(decide([beyond], [over], { now: T0 + 400_000 })).toMatchObject([{ do: 'reopen' }]);
  });

  it('has no part in a gap that was over when it began, of its own scope or inside it: that one is told', () => {
    const app = { domain: 'play.example.com', app: 'live', stream: null };
    for (const scope of [cam.scope, app]) {
      const over = incidentOf({ ...cam, scope }, { status: 'resolved', resolvedAt: T0 + 300_000 });
      const decided = (until: Instant) =>
        decide([{ ...gap, since: T0 - 3_000_000, until }], [over], { now: T0 + 400_000 });
      expect(decided(T0 - 1)).toMatchObject([{ do: 'open' }]);
      expect(decided(T0)).toMatchObject([{ do: 'open' }]);
      expect(decided(T0 + 1)).toMatchObject([{ do: 'attach' }]);
    }
  });

  it('that flaps must be quiet for ten minutes before it is resolved', () => {
    const flapping = incidentOf(gap, { clearSince: T0 + 120_000, reopenings: [T0 + 100_000] });
    expect(decide([], [flapping], { now: T0 + 180_000 })).toEqual([]);
    expect(decide([], [flapping], { now: T0 + 699_999 })).toEqual([]);
    expect(decide([], [flapping], { now: T0 + 720_000 })).toMatchObject([{ do: 'resolve' }]);
  });

  it('goes back to open when an acknowledgement runs out', () => {
    const held = incidentOf(cam, { status: 'acknowledged', acknowledgedUntil: T0 + 1000 });
    expect(decide([cam], [held], { now: T0 + 999 })).toMatchObject([{ do: 'update' }]);
    expect(decide([cam], [held], { now: T0 + 1000 })).toMatchObject([{ do: 'update' }, { do: 'expire-acknowledge' }]);
  });
});

describe('a storm', () => {
  const all = Array.from({ length: 200 }, (_, index) => silenceCondition(`cam${index}`));
  const appScope = { domain: 'play.example.com', app: 'live', stream: null };

  it('is one incident on the app when most streams of it are affected', () => {
    expect(decide(all, [])).toMatchObject([
      { do: 'open', condition: { scope: appScope, affected: 200, total: 200, missed: 400 } },
    ]);
  });

  it('needs more than half of the streams on air', () => {
    expect(decide(all.slice(0, 100), [])).toHaveLength(100);
    expect(decide(all.slice(0, 101), [])).toMatchObject([{ do: 'open', condition: { affected: 101 } }]);
  });

  it('folds in the single incidents that were told before, and resolves them with itself', () => {
    const single = incidentOf(all[0]!, { id: 7 });
    const decisions = decide(all, [single]);
    expect(decisions).toMatchObject([{ do: 'open' }, { do: 'fold', incident: { id: 7 } }]);
    const storm = incidentOf({ ...all[0]!, kind: 'gap', scope: appScope }, { id: 8, clearSince: T0 });
    const folded = { ...single, foldedInto: 8 };
    expect(decide([], [storm, folded], { now: T0 + 60_000 })).toMatchObject([
      { do: 'resolve', incident: { id: 8 } },
      { do: 'resolve', incident: { id: 7 }, resolution: 'folded' },
    ]);
  });

  it('does not fall apart into single incidents while it dies down', () => {
    const storm = incidentOf({ ...all[0]!, scope: appScope });
    expect(decide(all.slice(0, 5), [storm])).toMatchObject([{ do: 'update', condition: { affected: 5 } }]);
  });
});

describe('a wider condition', () => {
  it('does not swallow what lives where it merely adds to what is over', () => {
    const all = { domain: null, app: null, stream: null };
    const storm = incidentOf(
      { ...gap, scope: { ...cam.scope, stream: null } },
      { id: 1, status: 'resolved', resolution: 'recovered', resolvedAt: T0 + 120_000 },
    );
    const clearing = incidentOf(silenceCondition('cam01', { since: T0 + 130_000 }), {
      id: 2,
      clearSince: T0 + 150_000,
    });
    const found = ['cam05', 'cam06', 'cam07'].map((stream) => ({
      ...gap,
      scope: { ...cam.scope, stream },
      until: T0 + 60_000,
    }));
    const decisions = decideIncidents({
      now: T0 + 160_000,
      conditions: found,
      looked: LOOKED,
      incidents: [storm, clearing],
      totals: [{ domain: 'play.example.com', app: 'live', onAir: 4 }],
      rules: RULES,
      auditedUntil: () => null,
      isUnreported: () => false,
    });
    expect(decisions.map((decision) => decision.do)).toEqual(['attach']);
    // Findings are each a story of their own.
    const finding = (key: string) => ({ ...gap, kind: 'config_drift' as const, scope: all, key });
    const both = [incidentOf(finding('a'), { id: 3 }), incidentOf(finding('b'), { id: 4 })];
    expect(decide([finding('a'), finding('b')], both).map((decision) => decision.do)).toEqual(['update', 'update']);
  });
});

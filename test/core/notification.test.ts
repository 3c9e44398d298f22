import { describe, expect, it } from 'vitest';
import type { IncidentKind } from '../../src/core/incident.ts';
import {
  intoMessages,
  isSilenced,
  messageIdOf,
  planSending,
  repeatIsDue,
  retryDelaySeconds,
  wants,
} from '../../src/core/notification.ts';
import { incidentOf, silenceCondition, T0 } from '../support/incidents.ts';

const incident = incidentOf(silenceCondition('cam01'));
const any = { severity: 'info' as const, kinds: [], domains: [], apps: [] };
const row = (id: number, incidentId: number, event: 'opened' | 'resolved' | 'reopened') => ({
  id,
  incidentId,
  event,
  createdAt: T0,
});

describe('routing', () => {
  it('takes severity, kind, domain and app into account', () => {
    expect(wants({ name: 'a', filter: any }, incident)).toBe(true);
    expect(wants({ name: 'a', filter: { ...any, severity: 'critical' } }, incident)).toBe(false);
    expect(wants({ name: 'a', filter: { ...any, kinds: ['naming'] } }, incident)).toBe(false);
    expect(wants({ name: 'a', filter: { ...any, domains: ['other.example.com'] } }, incident)).toBe(false);
    expect(wants({ name: 'a', filter: { ...any, apps: ['live'] } }, incident)).toBe(true);
  });
  it('takes a silence and the gap that it becomes for one story: whoever hears the beginning hears the end', () => {
    for (const kind of ['silence', 'gap'] as const) {
      const filter = { ...any, kinds: [kind] };
      expect(wants({ name: 'a', filter }, incident)).toBe(true);
      expect(wants({ name: 'a', filter }, { ...incident, kind: 'gap' })).toBe(true);
    }
  });
  it('lets a wider incident through to those inside it', () => {
    const everything = { ...incident, scope: { domain: null, app: null, stream: null } };
    expect(wants({ name: 'a', filter: { ...any, domains: ['play.example.com'], apps: ['live'] } }, everything)).toBe(
      true,
    );
  });
  it('never tells a channel of its own failing', () => {
    const failing = { ...incident, kind: 'channel_failing' as const, key: 'a' };
    expect(wants({ name: 'a', filter: any }, failing)).toBe(false);
    expect(wants({ name: 'b', filter: any }, failing)).toBe(true);
  });
});

describe('a silence', () => {
  const silence = { kind: null, domain: 'play.example.com', app: null, stream: null, from: T0, until: T0 + 1000 };
  it('covers its scope from its start until just before its end', () => {
    expect([T0 - 1, T0, T0 + 999, T0 + 1000].map((now) => isSilenced(incident, [silence], now))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
  it('of the kind silence goes on when the audit turns that into a gap, and covers no other kind', () => {
    const ofKind = { ...silence, kind: 'silence' as const };
    const covered = (kind: IncidentKind) => isSilenced({ ...incident, kind }, [ofKind], T0);
    expect([covered('silence'), covered('gap'), covered('naming')]).toEqual([true, true, false]);
  });
  it('of one app does not cover an incident of the whole domain', () => {
    const wide = { ...incident, scope: { domain: 'play.example.com', app: null, stream: null } };
    expect(isSilenced(wide, [{ ...silence, app: 'live' }], T0)).toBe(false);
  });
});

describe('what is sent', () => {
  it('is the newest word about each incident', () => {
    expect(planSending([row(1, 7, 'opened'), row(2, 8, 'opened'), row(3, 7, 'resolved')], new Set())).toEqual({
      send: [
        { id: 3, incidentId: 7, event: 'resolved' },
        { id: 2, incidentId: 8, event: 'opened' },
      ],
      superseded: [1],
    });
  });
  it('is "opened" for whoever has not heard of it', () => {
    expect(planSending([row(1, 7, 'reopened')], new Set()).send[0]?.event).toBe('opened');
    expect(planSending([row(1, 7, 'reopened')], new Set([7])).send[0]?.event).toBe('reopened');
  });
  it('goes out singly, in one digest when it is many or more than the channel takes, and not at all without budget', () => {
    expect(intoMessages([1, 2, 3], 4, 20)).toEqual([[1], [2], [3]]);
    expect(intoMessages([1, 2, 3, 4], 4, 20)).toEqual([[1, 2, 3, 4]]);
    expect(intoMessages([1, 2, 3], 4, 2)).toEqual([[1, 2, 3]]);
    expect(intoMessages([1], 4, 0)).toEqual([]);
  });
  it('has the same id at every attempt', () => {
    expect(messageIdOf('a', [1, 2])).toBe(messageIdOf('a', [1, 2]));
    expect(messageIdOf('a', [1, 2])).not.toBe(messageIdOf('b', [1, 2]));
    expect(messageIdOf('a', [1])).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

it('retries later and later, with jitter, up to a quarter of an hour, and obeys what the channel asks', () => {
  expect([1, 2, 3].map((attempt) => retryDelaySeconds(attempt, 0.5, null))).toEqual([2, 4, 8]);
  expect(retryDelaySeconds(1, 0, null)).toBe(1.5);
  expect(retryDelaySeconds(99, 0.5, null)).toBe(900);
  expect(retryDelaySeconds(1, 0.5, 60)).toBe(60);
});

it('repeats an open incident that nobody acknowledged, and no other', () => {
  const due = (change: Parameters<typeof incidentOf>[1], now = T0 + 4000) =>
    repeatIsDue(incidentOf(silenceCondition('cam01'), change), T0, now, 4);
  expect(due({})).toBe(true);
  expect(due({}, T0 + 3999)).toBe(false);
  expect([due({ status: 'acknowledged' }), due({ foldedInto: 2 }), due({ clearSince: T0 })]).toEqual([
    false,
    false,
    false,
  ]);
});

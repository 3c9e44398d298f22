import { describe, expect, it } from 'vitest';
import type { Found } from '../../src/core/found.ts';
import { INCIDENT_KINDS, type IncidentKind, RESOLUTIONS } from '../../src/core/incident.ts';
import { composeDigest, composeMessage, type MessageContext, plainText } from '../../src/core/message.ts';
import { alertOf } from '../../src/core/message-alert.ts';
import { CAUSES } from '../../src/core/verdict.ts';
import { incidentOf, RULES, silenceCondition, T0 } from '../support/incidents.ts';

const context: MessageContext = {
  locale: 'en',
  timeZone: 'Asia/Shanghai',
  publicUrl: 'https://audit.example.com',
  now: T0 + 60_000,
  rules: RULES,
};
const CAM01 = { domain: 'play.example.com', app: 'live', stream: 'cam01' };
const gap = incidentOf(
  silenceCondition('cam01', {
    kind: 'gap',
    cause: 'delivery_lost',
    missed: 3,
    expected: 12,
    facts: { verdict: 'callback_missing', lastGood: { at: T0 - 10_000, stream: CAM01 } },
  }),
  { id: 42 },
);

describe('a message', () => {
  it('says what, since when, how many of how many, the cause, the witnesses, the last good picture and where to look', () => {
    expect(plainText(composeMessage(gap, 'opened', context))).toBe(
      [
        '[Open] snapshots missing: play.example.com/live/cam01',
        '',
        'What: Snapshots that should exist are missing.',
        'Since: 2026-11-24 08:00:00 Asia/Shanghai',
        'Streams: 1 of 200 on air',
        'Slots: 3 of 12 missing',
        'Cause: the callback was never delivered',
        'Witnesses: OSS has the object; no callback came.',
        'Last good picture: 2026-11-24 07:59:50 Asia/Shanghai https://audit.example.com/streams/play.example.com/live/cam01?at=2026-11-23T23%3A59%3A50.000Z',
        '',
        'Look further: https://audit.example.com/incidents/42',
      ].join('\n'),
    );
  });

  it('of a storm names the stream whose last good picture it links to', () => {
    const storm = { ...gap, scope: { domain: 'play.example.com', app: 'live', stream: null } };
    expect(plainText(composeMessage(storm, 'opened', context))).toContain(
      'Last good picture: live/cam01 · 2026-11-24 07:59:50 Asia/Shanghai https://audit.example.com/streams/play.example.com/live/cam01?at=',
    );
  });

  it('carries the link to the last good picture in its alert, too', () => {
    const { annotations, generatorURL } = alertOf(gap, 'opened', context);
    const url = 'https://audit.example.com/streams/play.example.com/live/cam01?at=2026-11-23T23%3A59%3A50.000Z';
    expect(annotations.picture).toBe(url);
    expect(annotations.description).toContain(url);
    expect(generatorURL).toBe('https://audit.example.com/incidents/42');
    expect(alertOf(gap, 'opened', { ...context, publicUrl: null }).annotations).not.toHaveProperty('picture');
  });

  it('says the same in Chinese', () => {
    const text = plainText(composeMessage(gap, 'opened', { ...context, locale: 'zh-CN' }));
    expect(text).toContain('[告警] 截图缺失: play.example.com/live/cam01');
    expect(text).toContain('缺失截图: 3 / 12');
    expect(text).toContain('原因: 回调未送达');
    expect(text).toContain('证据: OSS 中有文件，但没有收到回调。');
    expect(text.split('\n')).toHaveLength(plainText(composeMessage(gap, 'opened', context)).split('\n').length);
  });

  it('speaks its own language alone, whatever it is about and whatever was found', () => {
    const subject = { kind: 'callback_auth' as const, domain: 'play.example.com', app: null };
    const config = { kind: 'config' as const, domain: 'play.example.com', app: 'live' };
    const fields = [{ field: 'intervalSeconds', desired: 10, actual: null }];
    const keys = [{ field: 'key', desired: 'ours', actual: 'another key' }];
    const seen: Partial<Record<IncidentKind, Found[]>> = {
      rejected_callbacks: [{ code: 'requests-rejected', count: 12, reason: 'signature-mismatch' }],
      spool_not_draining: [
        { code: 'spool-waits', entries: 12, host: 'host-1' },
        { code: 'spool-waits', entries: 12, host: 'host-1', forwardsDropped: 3 },
      ],
      config_drift: [
        { code: 'config-missing', subject: config, refusal: 'the bucket does not exist.' },
        { code: 'config-differs', subject: config, fields },
        { code: 'config-differs', subject: config, fields, outdated: true },
        { code: 'config-differs', subject, fields: keys },
      ],
      enforce_fight: [{ code: 'healing-stopped', subject: { ...subject, kind: 'push_notify' }, times: 3 }],
      forward_refused: [{ code: 'forward-refused', host: 'old.example.com', reason: 'it answered with HTTP 401' }],
      two_callbacks: [{ code: 'two-callbacks', url: 'https://third.example.com/' }],
    };
    const causes: Partial<Record<IncidentKind, string[]>> = {
      gap: [...CAUSES],
      rejected_callbacks: ['signature-mismatch', 'timestamp-outside-window', 'not-json', 'instant-implausible'],
      channel_failing: ['permanent-failure', 'rejected-in-a-row', 'recipients-refused'],
    };
    for (const kind of INCIDENT_KINDS) {
      for (const found of seen[kind] ?? [undefined]) {
        for (const cause of causes[kind] ?? [null]) {
          for (const resolution of RESOLUTIONS) {
            const facts = { ...gap.facts, ...(found ? { found, detail: 'One sentence in English.' } : {}) };
            const told = { ...gap, kind, cause, resolution, facts, reopenings: [T0] };
            for (const event of ['opened', 'resolved'] as const) {
              const chinese = plainText(composeMessage(told, event, { ...context, locale: 'zh-CN' }));
              expect(chinese).not.toMatch(/[a-z]+ [a-z]+ [a-z]+/i);
              const english = plainText(composeMessage(told, event, context));
              expect(english).not.toMatch(/\p{Script=Han}/u);
              // No code stands in for a word.
              for (const text of [chinese, english]) expect(text).not.toMatch(/: [a-z]+[-_][a-z-_]+$/m);
            }
          }
        }
      }
    }
  });

  it('says how long it lasted once it is resolved, and what the audit said', () => {
    const over = {
      ...gap,
      kind: 'silence' as const,
      cause: null,
      resolution: 'withdrawn' as const,
      clearSince: T0 + 95_000,
    };
    const text = plainText(composeMessage(over, 'resolved', context));
    expect(text).toContain('Lasted: 1 min 35 s');
    expect(text).toContain('Outcome: The audit found every snapshot: nothing is missing.');
  });

  it('of our own blindness says that it is ours', () => {
    const blind = incidentOf({
      ...silenceCondition('x'),
      kind: 'blind',
      scope: { domain: null, app: null, stream: null },
    });
    const text = plainText(composeMessage(blind, 'opened', context));
    expect(text).toContain('Snapaudit itself could not receive: all domains');
    expect(text).toContain('This is our outage and says nothing of the vendor.');
    expect(text).not.toContain('Streams:');
  });

  it('carries no link where no public URL is known', () => {
    expect(plainText(composeMessage(gap, 'opened', { ...context, publicUrl: null }))).not.toContain('http');
  });

  it('tells of many incidents in one digest, the worst first', () => {
    const told = Array.from({ length: 12 }, (_, id) => ({ incident: { ...gap, id }, event: 'opened' as const }));
    told[11]!.incident.severity = 'critical';
    const digest = composeDigest(told, context);
    expect(digest.title).toBe('Snapaudit: 12 incidents (Open 12)');
    expect(digest.severity).toBe('critical');
    expect(digest.items).toHaveLength(10);
    expect(digest.items[0]?.url).toBe('https://audit.example.com/incidents/11');
    expect(plainText(digest)).toContain('and 2 more');
  });
});

import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/core/capture.ts';
import { type CaptureTerms, type Judgement, judgeCapture, judgeEmptySlot } from '../../src/core/judge-capture.ts';
import type { LookedSpans } from '../../src/core/judge-state.ts';
import { compileTemplate } from '../../src/core/template.ts';
import { CALLBACK_URL, captureAt, configOf, START } from '../support/judging.ts';

const DAY = 86_400_000;
const EVERYWHERE = [{ from: START - DAY, to: START + DAY }];

interface Case {
  C?: boolean | 'unsigned' | number;
  O?: boolean;
  X?: boolean;
  looked?: Partial<LookedSpans>;
  terms?: Partial<CaptureTerms>;
  capture?: Partial<Capture>;
}

function judge({ C = false, O = false, X = false, looked, terms, capture }: Case): string {
  const config = configOf();
  const judged = judgeCapture(
    {
      ...captureAt(START),
      callback:
        C === false
          ? null
          : { receivedAt: START + (typeof C === 'number' ? C : 1_000), capturedAt: null, verified: C !== 'unsigned' },
      stored: O,
      indexed: X,
      ...capture,
    },
    { listed: EVERYWHERE, indexed: EVERYWHERE, blind: [], unkept: [], excused: [], ...looked },
    {
      stream: { domain: 'play.example.com', app: 'live', stream: 'cam01' },
      config,
      mode: 'sequence',
      template: compileTemplate(config.sequenceObject!, 'sequence'),
      lateAfterSeconds: 30,
      callbackUrl: CALLBACK_URL,
      lifecycle: [],
      now: START + DAY,
      ...terms,
    },
  );
  return words(judged);
}

const words = ({ verdict, cause, reason }: Judgement) => [verdict, cause ?? reason].filter(Boolean).join('/');
const empty = (looked: Partial<LookedSpans> = {}, mode: 'sequence' | 'overwrite' = 'sequence') =>
  words(
    judgeEmptySlot(
      START,
      { listed: EVERYWHERE, indexed: EVERYWHERE, blind: [], unkept: [], excused: [], ...looked },
      mode,
    ),
  );

describe('the table of verdicts', () => {
  it('calls a slot good that was announced and is stored', () => {
    expect(judge({ C: true, O: true })).toBe('ok');
  });

  it('calls it late from just after lateAfter on', () => {
    expect(judge({ C: 29_999, O: true })).toBe('ok');
    expect(judge({ C: 30_000, O: true })).toBe('ok');
    expect(judge({ C: 30_001, O: true })).toBe('late/late_delivery');
  });

  it('calls it misnamed where the template in force cannot have made the name', () => {
    expect(judge({ C: true, O: true, capture: { object: 'snapshot/live/cam02/1790000000.jpg' } })).toBe(
      'misnamed/wrong_name',
    );
    expect(judge({ C: 60_000, O: true, capture: { object: 'else.jpg' } })).toBe('misnamed/wrong_name');
  });

  it('asks why no callback came: our own outage before a foreign URL before a rejection before a loss', () => {
    const theirs = { config: configOf({ callback: 'https://somebody.example.net/hook' }) };
    const blind = { blind: [{ from: START + 10_000, to: START + 11_000 }] };
    const rejected = { rejected: true };
    expect(judge({ O: true })).toBe('callback_missing/delivery_lost');
    expect(judge({ O: true, capture: rejected })).toBe('callback_missing/callback_rejected');
    expect(judge({ O: true, capture: rejected, terms: theirs })).toBe('callback_missing/callback_not_ours');
    expect(judge({ O: true, capture: rejected, terms: theirs, looked: blind })).toBe('callback_missing/receiver_down');
  });

  it('calls no callback foreign where it does not know our own URL, and takes two spellings of one URL for the same', () => {
    expect(judge({ O: true, terms: { callbackUrl: null } })).toBe('callback_missing/delivery_lost');
    expect(judge({ O: true, terms: { config: configOf({ callback: null }) } })).toBe(
      'callback_missing/callback_not_ours',
    );
    const spelt = configOf({ callback: CALLBACK_URL.replace('https://audit', 'HTTPS://AUDIT') });
    expect(judge({ O: true, terms: { config: spelt } })).toBe('callback_missing/delivery_lost');
  });

  it.each([
    ['ends as the capture is made', -5_000, 0, 'delivery_lost'],
    ['ends just after the capture', -5_000, 1, 'receiver_down'],
    ['begins with the last attempt', 34_999, 60_000, 'receiver_down'],
    ['begins 35 s after the capture', 35_000, 60_000, 'delivery_lost'],
  ])('blames our receiver for a delivery window of 35 s: a blind span that %s', (_name, from, to, cause) => {
    expect(judge({ O: true, looked: { blind: [{ from: START + from, to: START + to }] } })).toBe(
      `callback_missing/${cause}`,
    );
  });

  it.each([
    ['ends as the capture is made', -5_000, 0, 'delivery_lost'],
    ['ends just after the capture', -5_000, 1, 'undetermined'],
    ['begins with the last attempt', 34_999, 60_000, 'undetermined'],
    ['begins 35 s after the capture', 35_000, 60_000, 'delivery_lost'],
  ])('blames nobody while we rejected more than we could note: a span that %s', (_name, from, to, cause) => {
    const unkept = [{ from: START + from, to: START + to }];
    expect(judge({ O: true, looked: { unkept } })).toBe(`callback_missing/${cause}`);
    expect(judge({ O: true, looked: { unkept }, capture: { rejected: true } })).toBe(
      'callback_missing/callback_rejected',
    );
    expect(judge({ C: true, O: true, looked: { unkept } })).toBe('ok');
  });

  it('tells an object that was deleted from one that was never stored', () => {
    expect(judge({ C: true, X: true })).toBe('object_missing/object_deleted');
    expect(judge({ X: true })).toBe('object_missing/object_deleted');
    expect(judge({ C: true })).toBe('object_missing/never_stored');
    expect(judge({ C: 'unsigned' })).toBe('object_missing/unconfirmed');
  });

  it('blames the lifecycle rule from the very age on, for its own prefix only', () => {
    const aged = (milliseconds: number, prefix = 'snapshot/') => ({
      lifecycle: [{ prefix, days: 3 }],
      now: START + 3 * DAY + milliseconds,
    });
    expect(judge({ C: true, X: true, terms: aged(-1) })).toBe('object_missing/object_deleted');
    expect(judge({ C: true, X: true, terms: aged(0) })).toBe('object_missing/object_expired');
    expect(judge({ X: true, terms: aged(1) })).toBe('object_missing/object_expired');
    expect(judge({ X: true, terms: aged(1, 'covers/') })).toBe('object_missing/object_deleted');
  });

  it('does not call deleted what a rule may have taken that nobody may read', () => {
    const unread = { lifecycle: [{ prefix: '', days: null }] };
    expect(judge({ C: true, X: true, terms: unread })).toBe('object_missing/undetermined');
    expect(judge({ C: true, terms: unread })).toBe('object_missing/never_stored');
  });

  it('says unknown, not missing, where OSS could not be looked at', () => {
    const unlisted = { listed: [] };
    const blind = { blind: [{ from: START, to: START + 1 }] };
    expect(judge({ C: true, looked: unlisted })).toBe('unknown/listing_failed');
    expect(judge({ C: true, X: true, looked: unlisted })).toBe('unknown/listing_failed');
    expect(judge({ X: true, looked: unlisted })).toBe('unknown/listing_failed');
    expect(judge({ X: true, looked: { ...unlisted, ...blind } })).toBe('unknown/receiver_down');
    expect(judge({ C: true, capture: { object: 'elsewhere.jpg', unlisted: true } })).toBe('unknown/listing_failed');
    expect(empty(unlisted)).toBe('unknown/listing_failed');
    expect(empty({ ...unlisted, ...blind })).toBe('unknown/receiver_down');
  });

  it('leaves it open where the index could not be looked at', () => {
    expect(judge({ C: true, looked: { indexed: [] } })).toBe('object_missing/undetermined');
    expect(empty({ indexed: [] })).toBe('unknown/index_failed');
    expect(empty({ indexed: [{ from: START - 1, to: START }] })).toBe('unknown/index_failed');
    expect(empty({ indexed: [{ from: START, to: START + 1 }] })).toBe('not_captured/not_captured');
  });

  it('says not captured only where all three witnesses were looked at', () => {
    expect(empty()).toBe('not_captured/not_captured');
    expect(empty({ blind: [{ from: START, to: START + 1 }] })).toBe('not_captured/not_captured');
  });

  it('excuses what is bad, from the start of the span and before its end, and nothing else', () => {
    const excused = (from: number, to: number) => ({
      excused: [{ from: START + from, to: START + to, reason: 'maintenance' }],
    });
    expect(judge({ O: true, looked: excused(0, 1) })).toBe('excused/maintenance');
    expect(judge({ O: true, looked: excused(1, 2) })).toBe('callback_missing/delivery_lost');
    expect(judge({ O: true, looked: excused(-1, 0) })).toBe('callback_missing/delivery_lost');
    expect(empty(excused(0, 1))).toBe('excused/maintenance');
    expect(judge({ C: true, O: true, looked: excused(0, 1) })).toBe('ok');
    expect(judge({ C: true, looked: { ...excused(0, 1), listed: [] } })).toBe('unknown/listing_failed');
  });

  it('judges a replaced overwrite capture by callback and index alone', () => {
    const capture = { replaced: true };
    expect(judge({ C: true, X: true, capture })).toBe('ok');
    expect(judge({ C: 30_001, X: true, capture })).toBe('late/late_delivery');
    expect(judge({ X: true, capture })).toBe('callback_missing/delivery_lost');
    expect(judge({ C: true, capture })).toBe('object_missing/never_stored');
    expect(judge({ C: 'unsigned', capture })).toBe('object_missing/unconfirmed');
    expect(judge({ C: true, capture, looked: { indexed: [] } })).toBe('unknown/index_failed');
    expect(empty({ listed: [] }, 'overwrite')).toBe('not_captured/not_captured');
  });
});

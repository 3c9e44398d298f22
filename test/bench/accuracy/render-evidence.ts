import { formatInstant } from '../../../src/core/instant.ts';
import { within } from '../../../src/sandbox/broadcast/draw-spans.ts';
import type {
  BroadcastPlan,
  PlannedSession,
  PlannedSlot,
  PlannedStream,
  Span,
} from '../../../src/sandbox/broadcast/plan.ts';
import { Random } from '../../../src/sandbox/broadcast/random.ts';

/** The evidence that such a broadcast would have left behind, as the lines of DESIGN 2.2, in no particular order. */
export function renderEvidence(plan: BroadcastPlan, window: Span): string[] {
  const random = new Random(plan.seed ^ 0x5eed);
  const lines: object[] = [];
  lines.push({
    type: 'window',
    from: formatInstant(window.from),
    to: formatInstant(window.to),
    now: formatInstant(plan.now),
    settleSeconds: plan.settleSeconds,
    lateAfterSeconds: plan.lateAfterSeconds,
    callbackUrl: plan.callbackUrl,
  });
  for (const { validFrom, ...config } of plan.configs) {
    lines.push({ type: 'config', ...config, validFrom: formatInstant(validFrom) });
  }
  // The vendor's index is asked for all streams, or only for those where something has to be settled.
  const indexEverything = random.chance(0.5);
  const doubtful = new Set<PlannedStream>(plan.strays.map(({ stream }) => stream));
  for (const { stream, mode, config, startedAt, endedAt, slots } of plan.sessions) {
    const second = mode === 'overwrite' && config.sequenceObject !== null;
    if (mode === 'overwrite') doubtful.add(stream);
    if (!second)
      lines.push({
        type: 'session',
        ...key(stream),
        startedAt: formatInstant(startedAt),
        endedAt: endedAt === null ? null : formatInstant(endedAt),
      });
    if (slots.some(({ expected }) => expected.verdict !== 'ok' && expected.verdict !== 'pending')) doubtful.add(stream);
    for (const slot of slots) pushSlot(lines, plan, stream, mode, slot, random);
  }
  for (const { stream, capturedAt, object, receivedAt } of plan.strays) {
    const stray = { domain: stream.domain, app: stream.app, stream: stream.stream, bucket: stream.bucket, object };
    lines.push({
      type: 'callback',
      ...stray,
      capturedAt: null,
      receivedAt: formatInstant(receivedAt),
      verified: stream.signed,
    });
    lines.push({
      type: 'object',
      bucket: stream.bucket,
      key: object,
      lastModified: wholeSecond(capturedAt),
      size: 30_000,
    });
    lines.push({ type: 'index', ...key(stream), object, createdAt: formatInstant(capturedAt), overlay: false });
  }
  for (const { bucket, key: name, lastModified } of plan.foreign) {
    lines.push({ type: 'object', bucket, key: name, lastModified: formatInstant(lastModified), size: 12 });
  }
  pushSpans(lines, plan, indexEverything ? new Set(plan.streams) : doubtful);
  const shuffled = random.chance(0.3) ? random.shuffle(lines) : lines;
  return shuffled.map((line) => JSON.stringify(line));
}

function pushSlot(
  lines: object[],
  plan: BroadcastPlan,
  stream: PlannedStream,
  mode: PlannedSession['mode'],
  slot: PlannedSlot,
  random: Random,
): void {
  // What happens after the moment of judgement is in no evidence.
  for (const { receivedAt, rejected } of slot.deliveries.filter((delivery) => delivery.receivedAt <= plan.now)) {
    if (rejected !== null) {
      lines.push({ type: 'rejected', object: slot.object, receivedAt: formatInstant(receivedAt), reason: rejected });
      continue;
    }
    const told = slot.tellsTime ? formatInstant(slot.visibleAt) : null;
    lines.push({
      type: 'callback',
      ...key(stream),
      bucket: stream.bucket,
      object: slot.object,
      capturedAt: told,
      receivedAt: formatInstant(receivedAt),
      verified: stream.signed,
    });
  }
  const indexed = !plan.spans.indexFailed.some((span) => span.stream === stream && within(span, slot.visibleAt));
  const listed = !plan.spans.listingFailed.some(
    (span) => span.bucket === stream.bucket && within(span, slot.visibleAt),
  );
  if (slot.stored !== null && !slot.stored.gone && !slot.replaced && listed && slot.stored.lastModified <= plan.now) {
    // A later rewrite (a storage class transition) moves LastModified, which is why any other time comes first.
    const told = slot.tellsTime && slot.deliveries.some(({ rejected }) => rejected === null);
    const onlyWritingTells = stream.nameStyle === 'sequence' && !indexed && !told;
    const rewritten = mode === 'sequence' && !onlyWritingTells && random.chance(0.01);
    const lastModified = rewritten
      ? Math.min(plan.now, slot.stored.lastModified + 7_200_000)
      : slot.stored.lastModified;
    lines.push({
      type: 'object',
      bucket: stream.bucket,
      key: slot.stored.key,
      lastModified: wholeSecond(lastModified),
      size: random.int(20_000, 90_000),
    });
  }
  if (slot.indexedAt !== null && indexed && slot.indexedAt <= plan.now) {
    lines.push({
      type: 'index',
      ...key(stream),
      object: slot.object,
      createdAt: formatInstant(slot.indexedAt),
      overlay: random.chance(0.9) ? mode === 'overwrite' : null,
    });
  }
}

/** For which stretches the listing and the index were read in full. */
function pushSpans(lines: object[], plan: BroadcastPlan, indexed: Set<PlannedStream>): void {
  const all = { from: plan.from - 7_200_000, to: plan.now };
  for (const bucket of new Set(plan.configs.map((config) => config.bucket))) {
    const failed = plan.spans.listingFailed.filter((span) => span.bucket === bucket);
    const prefixes = new Set(
      plan.configs
        .filter((config) => config.bucket === bucket)
        .flatMap(({ sequenceObject, overwriteObject }) => [sequenceObject, overwriteObject])
        .filter((template) => template !== null)
        .map((template) => template.slice(0, template.indexOf('{'))),
    );
    for (const prefix of prefixes) {
      for (const span of without(all, failed)) lines.push({ type: 'listed', bucket, prefix, ...formatted(span) });
    }
  }
  for (const stream of indexed) {
    const failed = plan.spans.indexFailed.filter((span) => span.stream === stream);
    for (const span of without(all, failed)) lines.push({ type: 'indexed', ...key(stream), ...formatted(span) });
  }
  for (const span of plan.spans.blind) lines.push({ type: 'blind', ...formatted(span) });
  for (const span of plan.spans.unkept) lines.push({ type: 'unkept', ...formatted(span) });
  for (const { domain, app, stream, ...span } of plan.spans.excused) {
    lines.push({ type: 'excused', ...formatted(span), domain, app, stream, reason: 'maintenance' });
  }
  for (const rule of plan.lifecycle) lines.push({ type: 'lifecycle', ...rule });
}

function without(whole: Span, holes: readonly Span[]): Span[] {
  const parts: Span[] = [];
  let from = whole.from;
  for (const hole of [...holes].sort((a, b) => a.from - b.from)) {
    if (hole.from > from) parts.push({ from, to: hole.from });
    from = Math.max(from, hole.to);
  }
  if (from < whole.to) parts.push({ from, to: whole.to });
  return parts;
}

const key = ({ domain, app, stream }: PlannedStream) => ({ domain, app, stream });
const formatted = ({ from, to }: Span) => ({ from: formatInstant(from), to: formatInstant(to) });
const wholeSecond = (at: number) => formatInstant(Math.floor(at / 1_000) * 1_000);

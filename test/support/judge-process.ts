import { type EvidenceLine, formatEvidence } from '../../src/core/evidence.ts';
import { judgeEvidence } from '../../src/usecases/judge-evidence.ts';
import { line, nameAt } from './evidence.ts';

/** `node judge-process.ts CAPTURES`: judges an evidence file of one stream with so many captures, and tells the memory that it took. */
const captures = Number(process.argv[2]);

function* evidence(): Generator<EvidenceLine> {
  const seconds = captures * 10;
  yield line.window(seconds);
  yield line.config();
  yield line.session(0, seconds);
  yield line.listed(0, seconds);
  yield line.indexed(0, seconds);
  // Objects first, callbacks after: nothing comes in the order in which it is judged.
  for (let at = 0; at < seconds; at += 10) yield line.object(at, { key: nameAt(at) });
  for (let at = 0; at < seconds; at += 10) if (at % 1_000 !== 500) yield line.callback(at);
}

function* lines(): Generator<string> {
  for (const each of evidence()) yield formatEvidence(each);
}

const { slots } = await judgeEvidence(lines());
const peakMb = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(JSON.stringify({ ok: slots.ok, untold: slots.callback_missing, peakMb }));

import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { printOutcome, summarise } from './accuracy/print-outcome.ts';
import { type Mix, mergeOutcomes, type Outcome, runScenarios } from './accuracy/run-scenarios.ts';

const USAGE = `npm run accuracy -- [--scenarios 2000] [--seed 1] [--fault-free 0.1] [--threads 2] [--json]

Plays seeded random broadcasts with known faults, writes down the evidence each would leave (DESIGN 2.2), has it judged, and holds
the verdicts against the truth. Scenario number n uses the seed \`seed + n\`; one seed is repeated with --scenarios 1 --seed N.
Exit code 1 on any difference.`;

if (isMainThread) await main();
else parentPort!.postMessage(await runScenarios(workerData.seeds, workerData.mix));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scenarios: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      'fault-free': { type: 'string', default: '0.1' },
      threads: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const scenarios = count(values.scenarios, '--scenarios');
  const firstSeed = count(values.seed, '--seed');
  const share = Number(values['fault-free']);
  if (!(share >= 0 && share <= 1)) throw new RangeError('--fault-free is a share from 0 to 1');
  // Infinity: no seed is a multiple of it.
  const mix: Mix = { faultFreeEvery: share === 0 ? Number.POSITIVE_INFINITY : Math.round(1 / share), windowedEvery: 4 };
  const threads = Math.min(count(values.threads, '--threads'), scenarios);
  const seeds = Array.from({ length: scenarios }, (_, index) => firstSeed + index);
  const startedAt = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: threads }, (_, thread) =>
      inThread(
        seeds.filter((_seed, index) => index % threads === thread),
        mix,
      ),
    ),
  );
  const outcome = mergeOutcomes(outcomes);
  const seconds = (performance.now() - startedAt) / 1_000;
  if (values.json) process.stdout.write(`${JSON.stringify(summarise(outcome, seconds))}\n`);
  else process.stdout.write(printOutcome(outcome, seconds));
  process.exitCode = outcome.misses.length > 0 ? 1 : 0;
}

function count(text: string, name: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`${name} is a whole number from 1`);
  return number;
}

function inThread(seeds: number[], mix: Mix): Promise<Outcome> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { seeds, mix } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

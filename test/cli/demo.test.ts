import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliProcess, isAlive } from '../support/cli-process.ts';

describe('the demo and the sandbox as commands', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'snapaudit-demo-test-'));
    // The embedded PostgreSQL of root runs as another user, who must get in.
    await chmod(directory, 0o755);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('demo says where to look, and Ctrl-C leaves no process behind', async () => {
    const run = new CliProcess(['demo'], directory);
    const pidFile = path.join(directory, 'demo', 'postgres-18', 'postmaster.pid');
    await run.until(/the service listens on http:\/\/127\.0\.0\.1:\d+[\s\S]*\d+ streams publish/);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(run.stderr)![0];
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await isAlive(pidFile)).toBe(true);
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
    expect(await isAlive(pidFile)).toBe(false);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  }, 240_000);

  it('sandbox prints what points a service at it, counts, and tells the truth at its end', async () => {
    const faults = path.join(directory, 'faults.json');
    await writeFile(faults, '{"faults":[{"fault":"capture_skipped","stream":"cam01","captures":1}]}');
    const run = new CliProcess(
      ['sandbox', '--streams', '2', '--faults', faults, '--settings', 'sandbox.yaml'],
      directory,
    );
    await run.until(/export SNAPAUDIT_OSS_ENDPOINT=http:\/\/localhost:\d+/);
    expect(run.stdout).toMatch(/export SNAPAUDIT_LIVE_ENDPOINT=http[\s\S]*export ALIBABA_CLOUD_ACCESS_KEY_SECRET=\w+/);
    expect(await readFile(path.join(directory, 'sandbox.yaml'), 'utf8')).toContain('interval: 5s');
    await run.until(/sessions 2, captures \d+, .*faults injected 1/);
    // As when its terminal is closed.
    run.child.kill('SIGHUP');
    expect(await run.ended).toBe(0);
    const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { fault: 'capture_skipped', stream: 'cam01', captures: 1, expectedVerdict: 'not_captured' },
    ]);
  }, 180_000);

  it('sandbox says which flag is wrong, and ends: faults with mistakes or not there, a port that is taken', async () => {
    const faults = path.join(directory, 'wrong.yaml');
    await writeFile(faults, 'faults: [{ fault: capture_skipped, stream: cam99, captures: 1 }]');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const refusals: [string[], RegExp][] = [
      [['--faults', faults], /faults\.0: there is no stream "cam99": there is cam01 to cam08$/m],
      [['--faults', 'nowhere.yaml'], /--faults nowhere\.yaml cannot be read \(ENOENT\): give the path/],
      [['--oss-port', String(port)], new RegExp(`--oss-port ${port} is taken by another program: stop it, or choose`)],
    ];
    for (const [args, sentence] of refusals) {
      const run = new CliProcess(['sandbox', ...args], directory);
      expect(await run.ended).toBe(2);
      expect(run.stderr).toMatch(sentence);
    }
    taken.close();
  }, 120_000);
});

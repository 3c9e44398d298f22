import type { SandboxHandle, SandboxRequest } from '../cli/sandbox-handle.ts';
import { parseFaultsFile } from '../sandbox/broadcast/scheduled-fault.ts';
import { DOMAIN, endlessStreams, startSandbox } from '../sandbox/sandbox.ts';

const APP = 'live';

/** The vendor's stand-in for `snapaudit sandbox`: endless broadcasts of one app. Throws where the faults file has mistakes. */
export async function createSandbox(request: SandboxRequest): Promise<SandboxHandle> {
  const streams = endlessStreams({ ...request, domain: DOMAIN, app: APP, count: request.streams });
  const cast = {
    domains: [DOMAIN],
    apps: [APP],
    streams: streams.map(({ stream }) => stream),
    hasReceiver: false,
    pauseMs: request.pauseMs,
  };
  const faults = request.faultsFile === null ? [] : parseFaultsFile(request.faultsFile, cast);
  const sandbox = await startSandbox({
    livePort: request.livePort,
    ossPort: request.ossPort,
    apps: [
      {
        app: APP,
        intervalSeconds: request.intervalSeconds,
        sequenceObject: 'snapshot/{AppName}/{StreamName}/{UnixTimestamp}.jpg',
      },
    ],
  });
  const broadcasters = sandbox.broadcast({
    faults,
    streams,
    onFailure: (error) => request.onProblem(error instanceof Error ? error.message : String(error)),
  });
  return {
    liveUrl: sandbox.live.url,
    ossUrl: sandbox.oss.url,
    environment: sandbox.environment,
    settingsFile: sandbox.settingsFile(),
    injected: () => broadcasters.injected(),
    counts: () => broadcasters.counts(),
    close: () => sandbox.close(),
  };
}

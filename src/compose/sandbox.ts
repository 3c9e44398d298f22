import type { SandboxHandle, SandboxRequest } from '../cli/sandbox-handle.ts';
import { parseFaultsFile } from '../sandbox/broadcast/scheduled-fault.ts';
import { endlessStreams, startSandbox } from '../sandbox/sandbox.ts';

const APP = 'live';

/** The vendor's stand-in for `snapaudit sandbox`: endless broadcasts of one app. Throws where the faults file has mistakes. */
export async function createSandbox(request: SandboxRequest): Promise<SandboxHandle> {
  const faults = request.faultsFile === null ? [] : parseFaultsFile(request.faultsFile);
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
    streams: endlessStreams({ ...request, domain: sandbox.domain, app: APP, count: request.streams }),
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

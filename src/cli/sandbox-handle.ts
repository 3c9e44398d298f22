/**
 * What commands see of the vendor's stand-in; `compose/sandbox.ts` makes it. Commands import nothing from `src/sandbox`.
 */
export interface SandboxRequest {
  livePort: number;
  ossPort: number;
  /** How many streams of app `live` publish for `sessionMs` and pause for `pauseMs`, over and over. */
  streams: number;
  intervalSeconds: number;
  sessionMs: number;
  pauseMs: number;
  /** The text of a faults file (YAML or JSON); null: nothing goes wrong. */
  faultsFile: string | null;
  /** Something that was ordered could not be done; the rest goes on. */
  onProblem(message: string): void;
}

/** A fault that was ordered: of one stream, of an app, or (both null) of everything. */
export interface OrderedFault {
  fault: string;
  app: string | null;
  stream: string | null;
}

export interface InjectedFault extends OrderedFault {
  /** ms since epoch. */
  from: number;
  to: number;
  captures: number;
  expectedVerdict: string | null;
  expectedCause: string | null;
}

export interface SandboxCounts {
  sessions: number;
  captures: number;
  callbacksDelivered: number;
  callbacksLost: number;
}

export interface SandboxHandle {
  liveUrl: string;
  ossUrl: string;
  /** Variables that point a service at it; throw-away credentials that open nothing else. */
  environment: Record<string, string>;
  /** A settings file (YAML) that asks for what the sandbox has. */
  settingsFile: string;
  injected(): InjectedFault[];
  counts(): SandboxCounts;
  close(): Promise<void>;
}

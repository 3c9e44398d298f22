/** A piece of work that any replica may run at any time; running it twice is harmless. */
export interface Job {
  /** kebab-case; the name of the graphile-worker task. */
  name: string;
  /** Pause between the end of one run and the start of the next. */
  everySeconds: number;
  /** `signal` is aborted when the worker stops. A rejection is reported; the next run is the retry. */
  run(signal: AbortSignal): Promise<void>;
}

/** One kind of work that comes in pieces. A rejection is retried by graphile-worker; running a piece twice is harmless. */
export interface Task {
  name: string;
  run(payload: unknown, signal: AbortSignal): Promise<void>;
}

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Capture, Mode } from '../core/capture.ts';
import type { EvidenceOf } from '../core/evidence.ts';
import type { Instant } from '../core/instant.ts';
import type { Session } from '../core/session.ts';
import type { Span } from '../core/span.ts';
import type { StreamKey } from '../core/stream-key.ts';

/** All that was said of one object name, in any bucket and by any stream. */
export interface NameGroup {
  object: string;
  stored: EvidenceOf<'object'>[];
  callbacks: { streamId: number; callback: EvidenceOf<'callback'> }[];
  index: { streamId: number; row: EvidenceOf<'index'> }[];
  rejectedAt: Instant[];
}

type Witness = EvidenceOf<'callback'> | EvidenceOf<'object'> | EvidenceOf<'index'> | EvidenceOf<'rejected'>;
const KINDS = ['object', 'callback', 'index', 'rejected'] as const;
const MODES: readonly Mode[] = ['sequence', 'overwrite'];

const TABLES = `
  pragma journal_mode = off;
  pragma synchronous = off;
  pragma locking_mode = exclusive;
  pragma cache_size = -16384;
  create table witness (object text, kind integer, bucket text, stream integer, at integer, captured integer, flag integer);
  create table session (stream integer, started integer, ended integer);
  create table indexed (stream integer, since integer, until integer);
  create table capture (stream integer, mode integer, at integer, object text, bucket text, received integer,
    captured integer, flags integer);
`;
const FLAG = { verified: 1, stored: 2, indexed: 4, rejected: 8, replaced: 16, unlisted: 32 };
const COMMIT_EVERY_ROWS = 100_000;

/**
 * Puts evidence lines, which come in any order and any number, in the order in which they can be judged. They lie in a private
 * temporary SQLite file, which SQLite sorts outside of memory and removes on close or when the process ends.
 */
export class EvidenceSorter {
  #database = new DatabaseSync('');
  #inserts: Record<'witness' | 'session' | 'indexed' | 'capture', StatementSync>;
  #streams: StreamKey[] = [];
  #ids = new Map<string, number>();
  #rows = 0;
  #namesakes = new Map<string, StreamKey[]>();

  constructor() {
    this.#database.exec(TABLES);
    const insert = (table: string, columns: number) =>
      this.#database.prepare(`insert into ${table} values (${Array(columns).fill('?').join(', ')})`);
    this.#inserts = {
      witness: insert('witness', 7),
      session: insert('session', 3),
      indexed: insert('indexed', 3),
      capture: insert('capture', 8),
    };
    this.#database.exec('begin');
  }

  addWitness(line: Witness): void {
    const { witness } = this.#inserts;
    const kind = KINDS.indexOf(line.type);
    if (line.type === 'object') witness.run(line.key, kind, line.bucket, null, line.lastModified, null, null);
    else if (line.type === 'rejected') witness.run(line.object, kind, null, null, line.receivedAt, null, null);
    else if (line.type === 'index') {
      const overlay = line.overlay === null ? null : Number(line.overlay);
      witness.run(line.object, kind, null, this.idOf(line), line.createdAt, null, overlay);
    } else {
      witness.run(
        line.object,
        kind,
        line.bucket,
        this.idOf(line),
        line.receivedAt,
        line.capturedAt,
        Number(line.verified),
      );
    }
    this.#inserted();
  }

  addSession(session: Session): void {
    this.#inserts.session.run(this.idOf(session), session.startedAt, session.endedAt);
    this.#inserted();
  }

  addIndexed(stream: StreamKey, span: Span): void {
    this.#inserts.indexed.run(this.idOf(stream), span.from, span.to);
    this.#inserted();
  }

  addCapture(streamId: number, mode: Mode, capture: Capture): void {
    const { callback } = capture;
    const flags =
      (callback?.verified ? FLAG.verified : 0) |
      (capture.stored ? FLAG.stored : 0) |
      (capture.indexed ? FLAG.indexed : 0) |
      (capture.rejected ? FLAG.rejected : 0) |
      (capture.replaced ? FLAG.replaced : 0) |
      (capture.unlisted ? FLAG.unlisted : 0);
    this.#inserts.capture.run(
      streamId,
      MODES.indexOf(mode),
      capture.at,
      capture.object,
      capture.bucket,
      callback?.receivedAt ?? null,
      callback?.capturedAt ?? null,
      flags,
    );
    this.#inserted();
  }

  /** Streams are numbered as they are first seen. */
  idOf({ domain, app, stream }: StreamKey): number {
    const name = `${domain}\n${app}\n${stream}`;
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#streams.length;
      this.#ids.set(name, id);
      const key = { domain, app, stream };
      this.#streams.push(key);
      const namesakes = this.#namesakes.get(stream);
      if (namesakes) namesakes.push(key);
      else this.#namesakes.set(stream, [key]);
    }
    return id;
  }

  isKnown({ domain, app, stream }: StreamKey): boolean {
    return this.#ids.has(`${domain}\n${app}\n${stream}`);
  }

  /** Known streams of that app and name, where these are given, in order of name. */
  knownLike(domain: string, app: string | null, stream: string | null): readonly StreamKey[] {
    const among = (stream === null ? this.#streams : this.#namesakes.get(stream)) ?? [];
    const nameOf = (key: StreamKey) => `${key.app}\n${key.stream}`;
    return among
      .filter((key) => key.domain === domain && (app === null || key.app === app))
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  streamOf(id: number): StreamKey {
    return this.#streams[id]!;
  }

  streamCount(): number {
    return this.#streams.length;
  }

  /** Every object name once, with all that was said of it. */
  *names(): Generator<NameGroup> {
    this.#database.exec('create index session_of_stream on session (stream, started)');
    const rows = this.#database.prepare('select * from witness order by object, kind, at, stream, captured').iterate();
    let group: NameGroup = { object: '', stored: [], callbacks: [], index: [], rejectedAt: [] };
    for (const row of rows) {
      const object = row.object as string;
      if (group.object !== object) {
        if (group.object !== '') yield group;
        group = { object, stored: [], callbacks: [], index: [], rejectedAt: [] };
      }
      this.#addTo(group, row);
    }
    if (group.object !== '') yield group;
  }

  /** Captures of all streams, by stream number, then mode, then time. To be read in that order and once. */
  captures(): GroupedRows<Capture, Mode> {
    const rows = this.#database.prepare('select * from capture order by stream, mode, at, object').iterate();
    return new GroupedRows(rows, (row) => ({
      stream: row.stream as number,
      part: MODES[row.mode as number]!,
      value: captureOf(row),
    }));
  }

  sessions(): GroupedRows<Pick<Session, 'startedAt' | 'endedAt'>, null> {
    const rows = this.#database.prepare('select distinct * from session order by stream, started').iterate();
    return new GroupedRows(rows, (row) => ({
      stream: row.stream as number,
      part: null,
      value: { startedAt: row.started as number, endedAt: row.ended as number | null },
    }));
  }

  /** When the sessions of one stream started, in order. */
  sessionStarts(streamId: number): Instant[] {
    const rows = this.#database
      .prepare('select distinct started from session where stream = ? order by started')
      .all(streamId);
    return rows.map((row) => row.started as number);
  }

  indexed(): GroupedRows<Span, null> {
    const rows = this.#database.prepare('select * from indexed order by stream, since').iterate();
    return new GroupedRows(rows, (row) => ({
      stream: row.stream as number,
      part: null,
      value: { from: row.since as number, to: row.until as number },
    }));
  }

  close(): void {
    this.#database.close();
  }

  #inserted(): void {
    if (++this.#rows % COMMIT_EVERY_ROWS === 0) this.#database.exec('commit; begin');
  }

  #addTo(group: NameGroup, row: Row): void {
    const at = row.at as number;
    const streamId = row.stream as number;
    switch (KINDS[row.kind as number]) {
      case 'object':
        group.stored.push({
          type: 'object',
          bucket: row.bucket as string,
          key: group.object,
          lastModified: at,
          size: 0,
        });
        break;
      case 'rejected':
        group.rejectedAt.push(at);
        break;
      case 'index': {
        const overlay = row.flag === null ? null : row.flag === 1;
        const line = {
          type: 'index',
          ...this.streamOf(streamId),
          object: group.object,
          createdAt: at,
          overlay,
        } as const;
        group.index.push({ streamId, row: line });
        break;
      }
      case 'callback':
        group.callbacks.push({
          streamId,
          callback: {
            type: 'callback',
            ...this.streamOf(streamId),
            bucket: row.bucket as string,
            object: group.object,
            capturedAt: row.captured as number | null,
            receivedAt: at,
            verified: row.flag === 1,
          },
        });
        break;
    }
  }
}

type Row = Record<string, unknown>;

/** Rows in order of stream (and part): hands out those of one stream at a time. */
export class GroupedRows<T, P> {
  #rows: Iterator<Row>;
  #read: (row: Row) => { stream: number; part: P; value: T };
  #next: { stream: number; part: P; value: T } | null = null;

  constructor(rows: Iterator<Row>, read: (row: Row) => { stream: number; part: P; value: T }) {
    this.#rows = rows;
    this.#read = read;
    this.#advance();
  }

  /** Those of this stream and part that are not taken yet; `before` may stop sooner. */
  *take(stream: number, part: P, goesOn: (value: T) => boolean = () => true): Generator<T> {
    while (this.#next && this.#next.stream === stream && this.#next.part === part && goesOn(this.#next.value)) {
      const { value } = this.#next;
      this.#advance();
      yield value;
    }
  }

  #advance(): void {
    const result = this.#rows.next();
    this.#next = result.done ? null : this.#read(result.value);
  }
}

function captureOf(row: Row): Capture {
  const flags = row.flags as number;
  const received = row.received as number | null;
  return {
    at: row.at as number,
    bucket: row.bucket as string,
    object: row.object as string,
    callback:
      received === null
        ? null
        : {
            receivedAt: received,
            capturedAt: row.captured as number | null,
            verified: (flags & FLAG.verified) !== 0,
          },
    stored: (flags & FLAG.stored) !== 0,
    indexed: (flags & FLAG.indexed) !== 0,
    rejected: (flags & FLAG.rejected) !== 0,
    replaced: (flags & FLAG.replaced) !== 0,
    ...((flags & FLAG.unlisted) === 0 ? {} : { unlisted: true as const }),
  };
}

export type SubjectKind = 'config' | 'callback_auth' | 'push_notify';

/** One thing that can be in sync or not. `domain` is the streaming domain throughout; `app` is null but for configs. */
export interface ConfigSubject {
  kind: SubjectKind;
  domain: string;
  app: string | null;
  /** Of a push_notify: the ingest domain. */
  pushDomain?: string;
}

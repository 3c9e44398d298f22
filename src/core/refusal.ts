/** What a use case answers when a request cannot be served as asked; the edge turns it into an exit code or a problem. */
export type RefusalKind = 'not-found' | 'conflict' | 'bad-cursor' | 'bad-parameter' | 'forbidden';

/** The message is one sentence for the person who asked. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';
  readonly kind: RefusalKind;
  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

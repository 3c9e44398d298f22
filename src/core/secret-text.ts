import { createHash } from 'node:crypto';

/** A key that must not be printed: JSON, templates and the console show `[hidden]`. */
export class SecretText {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  /** The key itself, for the call that needs it. */
  reveal(): string {
    return this.#text;
  }
  is(text: string | null): boolean {
    return this.#text === text;
  }
  /** Tells keys apart without showing them: 16 hex digits of SHA-256. Keys have at least 16 random characters. */
  digest(): string {
    return createHash('sha256').update(this.#text).digest('hex').slice(0, 16);
  }
  toString(): string {
    return '[hidden]';
  }
  toJSON(): string {
    return '[hidden]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[hidden]';
  }
}

/** An answer that has the shape of success and cannot be true. The message says what is wrong with it, as half a sentence. */
export class BadAnswerError extends Error {
  override readonly name = 'BadAnswerError';
}

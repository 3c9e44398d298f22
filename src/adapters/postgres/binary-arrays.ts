/** What PostgreSQL itself would say of such a number: the SQLSTATE of numeric_value_out_of_range. */
export class OutOfRangeError extends RangeError {
  override readonly name = 'OutOfRangeError';
  readonly code = '22003';
}

interface ElementType {
  oid: number;
  bytes: number;
  min: number;
  max: number;
  write(array: Buffer, value: number, position: number): void;
}

/** PostgreSQL counts microseconds from the first of January 2000. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const HEADER_BYTES = 20;

const INT2: ElementType = {
  oid: 21,
  bytes: 2,
  min: -(2 ** 15),
  max: 2 ** 15 - 1,
  write: (array, value, position) => array.writeInt16BE(value, position),
};

const INT4: ElementType = {
  oid: 23,
  bytes: 4,
  min: -(2 ** 31),
  max: 2 ** 31 - 1,
  write: (array, value, position) => array.writeInt32BE(value, position),
};

const TIMESTAMPTZ: ElementType = {
  oid: 1184,
  bytes: 8,
  // The microseconds are exact: from 1714 to 2285.
  min: POSTGRES_EPOCH_MS - Math.floor(Number.MAX_SAFE_INTEGER / 1_000),
  max: POSTGRES_EPOCH_MS + Math.floor(Number.MAX_SAFE_INTEGER / 1_000),
  write(array, value, position) {
    const microseconds = (value - POSTGRES_EPOCH_MS) * 1_000;
    const high = Math.floor(microseconds / 2 ** 32);
    array.writeInt32BE(high, position);
    array.writeUInt32BE(microseconds - high * 2 ** 32, position + 4);
  },
};

/**
 * Arrays of whole numbers as parameters in PostgreSQL's binary format: writing and reading digits would take both sides longer than
 * anything else that is done with a capture. Throws `OutOfRangeError` for what the type does not hold.
 */
export const int2s = arraysOf(INT2);
export const int4s = arraysOf(INT4);
/** `value` gives an instant in milliseconds. */
export const timestamptzs = arraysOf(TIMESTAMPTZ);

/**
 * The format is that of array_recv: number of dimensions, whether there are nulls, element type; length and lower bound of the
 * dimension; then each element's length and its bytes.
 */
function arraysOf(type: ElementType): <T>(rows: readonly T[], value: (row: T) => number) => Buffer {
  return (rows, value) => {
    const array = Buffer.allocUnsafe(HEADER_BYTES + rows.length * (4 + type.bytes));
    array.writeInt32BE(1, 0);
    array.writeInt32BE(0, 4);
    array.writeInt32BE(type.oid, 8);
    array.writeInt32BE(rows.length, 12);
    array.writeInt32BE(1, 16);
    let position = HEADER_BYTES;
    for (const row of rows) {
      const number = value(row);
      if (!Number.isInteger(number) || number < type.min || number > type.max) {
        throw new OutOfRangeError(`${number} is not a whole number from ${type.min} to ${type.max}.`);
      }
      array.writeInt32BE(type.bytes, position);
      type.write(array, number, position + 4);
      position += 4 + type.bytes;
    }
    return array;
  };
}

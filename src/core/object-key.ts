/**
 * Orders object keys as OSS lists them: by the bytes of their UTF-8 form. That is the order of code points, which plain
 * `<` gets wrong for characters outside the basic plane (UTF-16 surrogates sort below U+E000..U+FFFF there).
 * Negative when `a` comes first, 0 when equal. Allocates nothing, for it is called per key of a listing.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const unitOfA = a.charCodeAt(index);
    const unitOfB = b.charCodeAt(index);
    if (unitOfA !== unitOfB) return rank(unitOfA) - rank(unitOfB);
  }
  return a.length - b.length;
}

/** Lifts surrogates above the rest of the basic plane, keeping every other order. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

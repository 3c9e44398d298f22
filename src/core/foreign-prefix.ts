/** Foreign keys are reported by folder, at most this deep, so that no report grows with their number. */
const MOST_FOLDERS = 2;

/** Under which prefix a key that no template explains is counted: its first two folders, or '' for a key in none. */
export function foreignPrefix(key: string): string {
  let end = 0;
  for (let folders = 0; folders < MOST_FOLDERS; folders++) {
    const slash = key.indexOf('/', end);
    if (slash < 0) break;
    end = slash + 1;
  }
  return key.slice(0, end);
}

import { KEY_FIELDS } from '../../../core/key-words.ts';
import { useWords } from '../words/language.tsx';

/** What stands, or is to stand, in a field of a config. */
export function FieldValue({ field, value }: { field: string; value: string | number | null }) {
  const words = useWords();
  if (value === null) return <i>{words.configs.none}</i>;
  return <>{(KEY_FIELDS.includes(field) && words.configs.values[value]) || value}</>;
}

import { useDebouncedCallback, useHover } from '@mantine/hooks';
import { useEffect, useState } from 'react';

/** A pointer that keeps still for so long points at something; one on its way to the pictures does not. */
const REST_MS = 250;

/**
 * The instant of the timeline at which the pointer rested last, until it leaves the element of `ref`, which holds the timeline
 * and the pictures: else they would vanish on the way to them.
 */
export function usePointed() {
  const [at, setAt] = useState<number | null>(null);
  const { ref, hovered } = useHover<HTMLDivElement>();
  const rest = useDebouncedCallback(setAt, REST_MS);
  useEffect(() => {
    if (hovered) return;
    rest.cancel();
    setAt(null);
  }, [hovered, rest]);
  const onCursor = (instant: number | null) => (instant === null ? rest.cancel() : rest(instant));
  return { ref, at, onCursor };
}

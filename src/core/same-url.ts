/** True where the callback URL of a config leads to ours, however it is written. */
export function sameUrl(inForce: string | null, ours: string): boolean {
  if (inForce === null || inForce === ours) return inForce === ours;
  return URL.canParse(inForce) && URL.canParse(ours) && new URL(inForce).href === new URL(ours).href;
}

/** The vendor's side of a name: variables filled in, nothing else. Deliberately not the judging code's own. */
export function objectName(
  template: string,
  values: { app: string; stream: string; timestamp: string; sequence: number },
): string {
  return template
    .replaceAll('{AppName}', () => values.app)
    .replaceAll('{UnixTimestamp}', values.timestamp)
    .replaceAll('{Sequence}', String(values.sequence))
    .replaceAll('{StreamName}', () => values.stream);
}

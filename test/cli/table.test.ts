import { describe, expect, it } from 'vitest';
import { renderTable, type TableColumn } from '../../src/cli/table.ts';

interface Row {
  at: string;
  domain: string;
  stream: string;
}
const COLUMNS: TableColumn<Row>[] = [
  { header: 'from (UTC)', value: (row) => row.at, keep: 'whole' },
  { header: 'domain', value: (row) => row.domain },
  { header: 'stream', value: (row) => row.stream, keep: true },
];
const ROW: Row = { at: '2026-11-24 08:04:30', domain: 'play.example.com', stream: 'camera-north-gate' };
const linesAt = (width?: number) => renderTable([ROW], COLUMNS, width).trimEnd().split('\n');

describe('renderTable', () => {
  it('shows everything where nobody says how wide', () => {
    expect(linesAt()[1]).toBe('2026-11-24 08:04:30  play.example.com  camera-north-gate');
    expect(linesAt(56)[1]).toBe('2026-11-24 08:04:30  play.example.com  camera-north-gate');
  });

  it('cuts first what need not be kept, then leaves it out, then cuts the rest, and never an instant', () => {
    expect(linesAt(55)[1]).toBe('2026-11-24 08:04:30  play.example.c…  camera-north-gate');
    expect(linesAt(46)[1]).toBe('2026-11-24 08:04:30  play.…  camera-north-gate');
    expect(linesAt(45)).toEqual(['from (UTC)           stream', '2026-11-24 08:04:30  camera-north-gate']);
    expect(linesAt(30)[1]).toBe('2026-11-24 08:04:30  camera-n…');
    expect(linesAt(10)[1]).toBe('2026-11-24 08:04:30  camer…');
  });

  it.each([40, 60, 80])('fits %i characters', (width) => {
    for (const line of linesAt(width)) expect(line.length).toBeLessThanOrEqual(width);
  });

  it('measures Chinese names by the room that they take', () => {
    const name = '直播间北门摄像头';
    const wide = 19 + 2 + 16 + 2 + 2 * name.length;
    const lineAt = (width: number) => renderTable([{ ...ROW, stream: name }], COLUMNS, width).split('\n')[1];
    expect(lineAt(wide)).toBe(`2026-11-24 08:04:30  play.example.com  ${name}`);
    expect(renderTable([{ ...ROW, stream: name }], COLUMNS)).toContain(name);
    expect(lineAt(wide - 1)).toBe(`2026-11-24 08:04:30  play.example.c…  ${name}`);
  });

  it('lets no escape sequence of a name through', () => {
    expect(renderTable([{ ...ROW, stream: '\u001b[31mred' }], COLUMNS)).not.toContain('\u001b');
  });
});

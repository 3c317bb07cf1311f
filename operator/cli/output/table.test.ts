import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainPaint } from './paint.ts';
import { formatTable } from './table.ts';

const COLUMNS = [
  { header: 'link', isGroup: true },
  { header: 'route' },
  { header: 'open', align: 'right' as const },
];
const ROWS = [
  ['COMM-010', 'async v0\nsync v0', '12'],
  ['COMM-010', 'sync v0', '3'],
];

test('columns line up, numbers to the right, repeated groups are left blank', () => {
  assert.deepEqual(formatTable(COLUMNS, ROWS, { width: 80, paint: plainPaint }), [
    'link      route     open',
    'COMM-010  async v0    12',
    '          sync v0',
    '          sync v0      3',
  ]);
});

test('where the table is too wide each row becomes a block that repeats its heading', () => {
  assert.deepEqual(formatTable(COLUMNS, ROWS, { width: 20, paint: plainPaint }), [
    ...['COMM-010', '  route  async v0', '         sync v0', '  open   12'],
    ...['COMM-010', '  route  sync v0', '  open   3'],
  ]);
});

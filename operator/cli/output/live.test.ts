import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { LiveArea } from './live.ts';

class Terminal extends Writable {
  isTTY = true;
  columns = 20;
  rows = 5;
  frames: string[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.frames.push(String(chunk));
    done();
  }
}

test('a frame goes over the last one, and the same frame writes nothing', () => {
  const terminal = new Terminal();
  const area = new LiveArea(terminal);
  area.draw(['one', 'two']);
  area.draw(['one', 'two']);
  area.draw(['one', 'three']);
  assert.equal(terminal.frames.length, 2);
  assert.ok(terminal.frames[1]!.includes('\u001b[2A\rone'));
});

test('a frame is never higher or wider than the terminal', () => {
  const terminal = new Terminal();
  new LiveArea(terminal).draw(['x'.repeat(30), 'b', 'c', 'd', 'e', 'f']);
  const [frame = ''] = terminal.frames;
  assert.equal(frame.split('\n').length - 1, 4);
  assert.ok(frame.includes(`${'x'.repeat(19)}…`));
});

test('a terminal that became narrower is cleared of the lines it broke', () => {
  const terminal = new Terminal();
  const area = new LiveArea(terminal);
  area.draw(['x'.repeat(20)]);
  terminal.columns = 10;
  area.draw(['y']);
  assert.ok(terminal.frames[1]!.includes('\u001b[2A\ry'));
});

test('the cursor is hidden while drawing and comes back once', () => {
  const terminal = new Terminal();
  const area = new LiveArea(terminal);
  area.draw(['one']);
  area.end();
  area.end();
  const written = terminal.frames.join('');
  assert.equal(written.split('\u001b[?25l').length, 2);
  assert.equal(written.split('\u001b[?25h').length, 2);
});

/** Colours, widths and the cleaning of text that came from elsewhere. */
import { stripVTControlCharacters, styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Text in a colour or weight, or as it is where colours are not wanted. */
export type Paint = (format: Format, text: string) => string;

export const plainPaint: Paint = (_format, text) => text;

/** Colours only where the stream is a terminal that has them; NO_COLOR and FORCE_COLOR decide. */
export function createPaint(stream: NodeJS.WritableStream, isWanted = true): Paint {
  const probe = styleText('bold', 'x', { stream });
  if (!isWanted || probe === 'x') return plainPaint;
  return (format, text) => styleText(format, text, { validateStream: false });
}

/** Columns that the text takes on a terminal. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

// Control characters, C1 ones and those that turn the direction of writing included.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Without control characters: text of a server must not write to the terminal by itself. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROL, '');
}

/** Cuts plain or painted text to `width` columns; a cut line ends with `…`. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = '';
  let columns = 0;
  // Escape sequences take no columns and must stay whole.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the start of an escape sequence
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b[')) {
      shown += part;
      continue;
    }
    for (const character of part) {
      if (columns === width - 1) shown += '…';
      if (columns < width - 1) shown += character;
      columns += 1;
    }
  }
  return shown;
}

/** Breaks plain text at spaces into lines of at most `width` columns. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (widthOf(longer) <= width || line === '') line = longer;
      else {
        lines.push(line);
        line = word;
      }
    }
    lines.push(line);
  }
  return lines;
}

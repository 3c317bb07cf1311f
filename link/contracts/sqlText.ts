/** Names and constants as PostgreSQL reads them in an expression. */
import { ContractError } from './contractError.ts';

/** `"title"` */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The value of a JSON field as a constant: texts as `text`, lists and objects as `jsonb`. */
export function literal(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      return `${quoted(JSON.stringify(value))}::jsonb`;
    default:
      throw new ContractError('wrong_mapping', `a field cannot hold a ${typeof value}`);
  }
}

/** Never with backslash escapes, whatever the session's settings: E'' says what they mean. */
function quoted(text: string): string {
  if (text.includes('\0')) {
    throw new ContractError('wrong_mapping', 'PostgreSQL holds no text with U+0000');
  }
  return text.includes('\\') ? `E'${escaped(text)}'` : `'${text.replaceAll("'", "''")}'`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "''");
}

/**
 * How the rows of an entity show a contract version. A version that changes columns gives rows a new
 * form; until all rows have it, both forms stand beside each other, and everything that reads rows
 * is right whichever way one is stored.
 */
import { carriedVersion } from './versions.ts';

export interface RowForm {
  /** SQL expressions of type text, in the order both sides agree on. Right in either form of a row. */
  readonly texts: readonly string[];
  /** SQL condition: the row is stored as this version has it. Absent: every row is. */
  readonly isStored?: string;
  /** SQL assignments that store a row so. What a row cannot give stays away until the owner sends it. */
  readonly store?: string;
}

/** By the contract version from which on rows have this form; one for each change of the columns. */
export type RowForms<Form = RowForm> = Readonly<Record<number, Form>>;

/** The form of rows in a contract version: the newest that there was until then. */
export function formAt<Form>(forms: RowForms<Form>, version: number): Form {
  const versions = Object.keys(forms).map(Number);
  return forms[carriedVersion(versions, version) ?? Math.min(...versions)]!;
}

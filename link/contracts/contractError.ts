/** Why a contract could not be used. */
import { CodedError } from '../../runtime/errors.ts';

export type ContractErrorCode =
  /** The message has a field of a type that events may not have. */
  | 'unsupported_field'
  /** The value is not an event of this contract. */
  | 'not_this_contract'
  /** The changes do not lead from one version to the other. */
  | 'wrong_mapping'
  /** A payload cannot go back to the older version. */
  | 'no_way_back'
  /** The schema has a keyword or format that the comparison does not know. */
  | 'unknown_keyword';

export class ContractError extends CodedError<ContractErrorCode> {}

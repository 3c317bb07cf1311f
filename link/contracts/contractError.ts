/** Why a contract could not be used. */
export type ContractErrorCode =
  /** The message has a field of a type that events may not have. */
  | 'unsupported_field'
  /** The value is not an event of this contract. */
  | 'not_this_contract';

export class ContractError extends Error {
  readonly code: ContractErrorCode;

  constructor(code: ContractErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ContractError';
    this.code = code;
  }
}

/** What a service imports from `relink/rpc`: typed gRPC on both sides, and its errors. */

// Calling an API.
export { createRpcClient, type RpcClient } from './client.ts';
// What a handler throws, and what a call rejects with.
export { invalidField, RpcCallError, RpcError, unknownId } from './errors.ts';
// Serving an API.
export type { Handlers, RpcContext } from './handlers.ts';
export { type ReadPage, readPage } from './paging.ts';
export { createRpcServer, type RpcServer, type ServedService, serve } from './server.ts';

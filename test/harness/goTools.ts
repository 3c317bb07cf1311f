/** Programs of other projects that tests try our addresses with, by `go install` at pinned versions. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_DIR, exists } from '../../dev/servers/folders.ts';
import { childEnvironment, readEnvironment } from '../../runtime/environment.ts';

const TOOLS = {
  grpcurl: 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3',
  nats: 'github.com/nats-io/natscli/nats@v0.2.4',
} as const;

/** A first build of grpcurl takes about a minute on two busy cores. */
const INSTALL_LIMIT_MS = 240_000;

/** The path of a tool, or why it cannot be had: the reason a test is skipped with. */
export async function findGoTool(
  name: keyof typeof TOOLS,
): Promise<{ path: string } | { missing: string }> {
  for (const folder of (readEnvironment('PATH') ?? '').split(':'))
    if (folder && (await exists(join(folder, name)))) return { path: join(folder, name) };
  const folder = join(CACHE_DIR, 'go');
  const path = join(folder, name);
  if (await exists(path)) return { path };
  mkdirSync(folder, { recursive: true });
  const { error, status, stderr } = spawnSync('go', ['install', TOOLS[name]], {
    env: childEnvironment({ GOBIN: folder }),
    timeout: INSTALL_LIMIT_MS,
    encoding: 'utf8',
  });
  if (error) return { missing: `${name} is not on PATH and go is not here: ${error.message}` };
  if (status === 0) return { path };
  return { missing: `go install ${TOOLS[name]} failed: ${stderr.trim().split('\n').at(-1)}` };
}

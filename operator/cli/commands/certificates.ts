/** relink certificate list|show|check */
import { readFile } from 'node:fs/promises';
import {
  type Certificate,
  CertificateSchema,
  ListCertificatesResponseSchema,
} from '../../../gen/relink/v1/operator_pb.ts';
import { checkFile, viewChecks } from '../certificateFile.ts';
import { usageError } from '../errors.ts';
import { EXIT } from '../exitCode.ts';
import { listCertificates } from '../lists.ts';
import { formatCertificate, formatCertificates } from '../output/certificateView.ts';
import { toJsonShape } from '../output/json.ts';
import { resolveCertificate, resolveRun } from '../resolve.ts';
import type { Program, UseSession } from '../root.ts';

export function addCertificateCommands(program: Program, use: UseSession): void {
  const group = program
    .command('certificate')
    .description('list, show or check signed closing statements');

  group
    .command('list')
    .description('list the certificates')
    .option('--link <id>', 'only certificates of this link')
    .option('--run <run>', 'only certificates of this run')
    .action(async ({ link = '', run }) => {
      const session = use();
      const id = run === undefined ? '' : await resolveRun(session, run);
      const response = await listCertificates(session, { link, run: id });
      session.output.show({
        json: () => toJsonShape(ListCertificatesResponseSchema, response),
        items: () => response.certificates.map(toFileShape),
        text: (layout) => formatCertificates(response.certificates, layout),
      });
    });

  group
    .command('show')
    .argument('<id>', 'its id or a prefix of it')
    .description('show a certificate; --json prints the file that check reads')
    .action(async (text) => {
      const session = use();
      const id = await resolveCertificate(session, text);
      const { certificate } = await session.operator.getCertificate({ id });
      session.output.show({
        json: () => toFileShape(certificate!),
        text: (layout) => formatCertificate(certificate!, layout),
      });
    });

  group
    .command('check')
    .argument('<file>', 'output of show --json; - reads standard input')
    .description('check form, signature and equality offline')
    .option('--public-key <base64>', 'also check that this key signed it')
    .action(async (file, { publicKey }) => {
      const session = use();
      const text = await readText(file, session.terminal.stdin);
      const checks = await checkFile(file, text, publicKey);
      session.output.show(viewChecks(checks, publicKey !== undefined));
      if (checks.some(({ problem }) => problem !== null)) session.exitCode = EXIT.different;
    });
}

function toFileShape(certificate: Certificate) {
  return toJsonShape(CertificateSchema, certificate);
}

async function readText(file: string, stdin: NodeJS.ReadStream): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8');
    let text = '';
    for await (const chunk of stdin) text += chunk;
    return text;
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'There is no file' : 'Cannot read';
    throw usageError(`${why} ${file}.`, ['relink certificate show ID --json > FILE']);
  }
}

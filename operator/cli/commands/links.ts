/** relink links · link ID · topology */
import { Option } from '@commander-js/extra-typings';
import { type Link, LinkSchema, type Run, RunSchema } from '../../../gen/relink/v1/operator_pb.ts';
import { unknownLink } from '../knownLinks.ts';
import { toJsonShape } from '../output/json.ts';
import { formatLink, viewLinks } from '../output/linkView.ts';
import type { View } from '../output/output.ts';
import { formatRuns } from '../output/runList.ts';
import { formatMermaid, viewTopology } from '../output/topologyView.ts';
import type { Program, UseSession } from '../root.ts';
import { tellUnanswered } from '../unanswered.ts';

const LATEST_RUNS = 5; // of one link; `relink runs` has the others

export function addLinkCommands(program: Program, use: UseSession): void {
  program
    .command('links')
    .description('list the links and the current route of each leg')
    .action(async () => {
      const session = use();
      const response = await session.operator.listLinks({});
      session.output.show(viewLinks(response));
      tellUnanswered(session, response.unanswered);
    });

  program
    .command('link')
    .argument('<id>', 'a link, such as COMM-010')
    .description('show a link: routes by lane, backlog, latest runs')
    .action(async (id) => {
      const { operator, output } = use();
      const response = await operator.listLinks({});
      const link = response.links.find((one) => one.id.toLowerCase() === id.toLowerCase());
      if (link === undefined) throw unknownLink(id, response);
      const { runs } = await operator.listRuns({ link: link.id, limit: LATEST_RUNS });
      output.show(viewLink(link, runs));
    });

  program
    .command('topology')
    .description('show the services and the links between them')
    .addOption(
      new Option('--format <format>', 'output format').choices(['text', 'mermaid', 'json']),
    )
    .action(async ({ format }) => {
      const session = use();
      const { operator, output } = session;
      const topology = await operator.getTopology({});
      if (format === 'mermaid') output.stdout.write(`${formatMermaid(topology).join('\n')}\n`);
      else if (format === undefined) output.show(viewTopology(topology));
      else output.showAs(format, viewTopology(topology));
      tellUnanswered(session, topology.unanswered);
    });
}

function viewLink(link: Link, runs: Run[]): View {
  return {
    json: () => ({
      link: toJsonShape(LinkSchema, link),
      runs: runs.map((run) => toJsonShape(RunSchema, run)),
    }),
    text: (layout) => [
      ...formatLink(link, layout),
      ...(runs.length === 0
        ? []
        : ['', layout.paint('bold', 'Latest runs'), ...formatRuns(runs, layout)]),
    ],
  };
}

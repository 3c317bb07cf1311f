/** How far a long command is: one line, on a terminal only. */
import type { Session } from '../session.ts';
import { LiveArea } from './live.ts';

export function showProgress({ terminal, output }: Session) {
  const area = terminal.stderr.isTTY === true ? new LiveArea(terminal.stderr) : undefined;
  const { paint } = output.layoutOf(terminal.stderr);
  return {
    show: (line: string) => area?.draw([paint('dim', line)]),
    end: () => area?.clear(),
  };
}

/** The recording of a move: the real stack under traffic, the real command line, a real terminal. */
import { rm } from 'node:fs/promises';
import { pause } from '../../runtime/wake.ts';
import { startByCommand } from '../commandStack.ts';
import { makeRunDir, PROJECT_DIR } from '../servers/folders.ts';
import { cutFilm, type Shot } from './film.ts';
import { drawFilm } from './filmSvg.ts';
import { Recorder } from './recorder.ts';

const SIZE = { columns: 92, rows: 34 };
const REQUESTS_PER_SECOND = 20;
/** Processes that have just started are slow, and gates would measure that. */
const WARM_UP_MS = 10_000;
/** Waits of a run are seconds of the same screen: the film goes through them quickly. */
const PACE = { longestMs: 320, shortestMs: 60 };
const SPEED = { typing: 1.5, running: 10 };
/** For reading: the plan, the question, the way back, the outcome, the proof. */
const HOLD_MS = { question: 1_500, moved: 2_200, completed: 2_000, proof: 4_000 };

const TITLE = 'COMM-010: from gRPC calls to JetStream events, under live traffic';
const DESCRIPTION =
  'A terminal. relink start moves the link COMM-010 from sync to async step by step; ' +
  'relink complete gives up the way back; relink verify compares both sides and finds them equal. ' +
  'Waits are shortened.';

/** The film of a real run as SVG; `say` hears what is being done. Leaves nothing running. */
export async function recordMove(say: (line: string) => void): Promise<string> {
  say('starting a stack under traffic');
  const stack = await startByCommand('--traffic', String(REQUESTS_PER_SECOND));
  const home = await makeRunDir('picture-home');
  const recorder = new Recorder({
    ...SIZE,
    cwd: PROJECT_DIR,
    env: {
      HOME: home,
      RELINK_OPERATOR: stack.addresses.operator.grpc,
      npm_config_update_notifier: 'false',
      npm_config_progress: 'false',
    },
  });
  try {
    await pause(WARM_UP_MS);
    say('recording');
    await play(recorder);
    return develop(recorder.shots(), say);
  } finally {
    await recorder.close();
    await rm(home, { recursive: true, force: true });
    await stack.stop();
  }
}

function develop(shots: readonly Shot[], say: (line: string) => void): string {
  const film = cutFilm(shots, PACE);
  say(`${(film.lengthMs / 1_000).toFixed(1)} s, ${film.strips.length} strips`);
  return drawFilm(film, { ...SIZE, title: TITLE, description: DESCRIPTION });
}

/** What a person does. */
async function play(recorder: Recorder): Promise<void> {
  recorder.speed = SPEED.typing;
  await recorder.waitForPrompt();
  await recorder.type('npx relink start COMM-010 --to async --way-back keep');
  await recorder.waitFor(/Move COMM-010 to async\?/);
  recorder.hold(HOLD_MS.question);
  recorder.speed = SPEED.running;
  recorder.press('y');
  await recorder.waitFor(/relink complete .* --confirm/);
  await recorder.waitForPrompt();
  recorder.hold(HOLD_MS.moved);
  recorder.speed = SPEED.typing;
  await recorder.type('npx relink complete last');
  await recorder.waitFor(/Type COMM-010/);
  await recorder.type('COMM-010');
  await recorder.waitFor(/the move is complete/);
  await recorder.waitForPrompt();
  recorder.hold(HOLD_MS.completed);
  await recorder.type('npx relink verify COMM-010');
  await recorder.waitForPrompt();
  recorder.hold(HOLD_MS.proof);
}

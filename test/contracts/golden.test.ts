/**
 * Events as they were written once. Somebody has them in an outbox, a stream or a dead letter, so
 * they are read for ever, and come out of every mapping as they did on its first day.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { events } from '../../gen/events.ts';
import {
  type Contract,
  decodeMessage,
  decodeText,
  defineContract,
  encodeText,
  toMessage,
} from '../../link/contracts/contract.ts';
import { upcastEvent } from '../../link/contracts/mapping.ts';
import { mappings } from '../../services/mappings/index.ts';
import { arbitraryEvent } from './arbitraryEvent.ts';
import { root } from './compileProtos.ts';

const folder = join(root, 'test/contracts/fixtures/golden');

/** One event: its canonical text, its protobuf message in base64, its text one version later. */
interface Golden {
  readonly text: string;
  readonly binary: string;
  readonly next?: string;
}

const contracts: Contract[] = events.map(({ message, schema }) => defineContract(message, schema));

for (const contract of contracts) {
  describe(`frozen events of ${nameOf(contract)}`, () => {
    const frozen = readGolden(contract);

    test('are there', () => {
      const some = JSON.stringify(writeGolden(contract), undefined, 2);
      const file = `test/contracts/fixtures/golden/${nameOf(contract)}.json`;
      assert.ok(frozen.length > 0, `freeze some now, and never change them: ${file}\n${some}`);
    });

    test('are read, and written as they were', () => {
      for (const { text, binary } of frozen) {
        const bytes = Buffer.from(binary, 'base64');
        const fromText = eventOf(decodeText(contract, text));
        const fromBytes = eventOf(decodeMessage(contract, fromBinary(contract.message, bytes)));
        assert.equal(encodeText(contract, fromText), text);
        assert.equal(encodeText(contract, fromBytes), text);
        assert.equal(binaryOf(contract, fromText), binary);
      }
    });

    test('become the next version as they did', () => {
      for (const { text, next } of frozen)
        assert.equal(takeUp(contract, text), next, 'freeze it as "next"');
    });

    test('become the newest version', () => {
      for (const { text } of frozen) {
        let [reader, read] = [contract, text];
        for (let up = takeUp(reader, read); up !== undefined; up = takeUp(reader, read)) {
          [reader, read] = [contractOf(reader.event, reader.version + 1), up];
          eventOf(decodeText(reader, read));
        }
        assert.equal(reader.version, newestOf(contract.event));
      }
    });
  });
}

test('nothing is frozen of an event that is no more', () => {
  const names = contracts.map((contract) => `${nameOf(contract)}.json`);
  const strange = globSync('*', { cwd: folder }).filter((file) => !names.includes(file));
  assert.deepEqual(strange, [], 'an event that was ever released stays');
});

function nameOf({ event, version }: Contract): string {
  return `${event}.v${version}`;
}

function contractOf(event: string, version: number): Contract {
  return contracts.find((one) => one.event === event && one.version === version)!;
}

function newestOf(event: string): number {
  return Math.max(...contracts.filter((one) => one.event === event).map((one) => one.version));
}

function readGolden(contract: Contract): Golden[] {
  const path = join(folder, `${nameOf(contract)}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
}

/** What a new version may be frozen as: the same whenever it is asked. */
function writeGolden(contract: Contract): Golden[] {
  return fc.sample(arbitraryEvent(contract.schema), { seed: 1, numRuns: 3 }).map((event) => {
    const text = encodeText(contract, event);
    const next = takeUp(contract, text);
    return { text, binary: binaryOf(contract, event), ...(next && { next }) };
  });
}

function takeUp({ event, version }: Contract, text: string): string | undefined {
  const mapping = mappings.find(({ older }) => older.event === event && older.version === version);
  return mapping && encodeText(mapping.newer, upcastEvent(mapping, JSON.parse(text)));
}

function binaryOf(contract: Contract, event: unknown): string {
  return Buffer.from(toBinary(contract.message, toMessage(contract, event))).toString('base64');
}

function eventOf(decoded: ReturnType<typeof decodeText>): unknown {
  assert.deepEqual(decoded.ok ? [] : decoded.problems, []);
  return decoded.ok && decoded.event;
}

/** Stand-ins for the three public services: real gRPC, with answers that a test chooses. */

import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { createRpcServer, serve } from '../../rpc/server.ts';
import type { PublicAddresses } from './caller.ts';

export interface StandIns {
  readonly assessments?: Partial<Handlers<typeof AssessmentsService>>;
  readonly hiring?: Partial<Handlers<typeof HiringService>>;
  readonly management?: Partial<Handlers<typeof ManagementService>>;
}

export const applied = (link: string) => [{ link, consumer: 'hiring', state: 'applied' }];
export const pending = (link: string) => [{ link, consumer: 'hiring', state: 'pending' }];

/** Accepts every command at once and knows every id. */
const DEFAULTS: Required<StandIns> = {
  assessments: {
    registerManager: ({ managerId = '', firstName, lastName }) => ({
      manager: { managerId, firstName, lastName, version: 1n },
      deliveries: applied('COMM-010'),
    }),
    updateManager: ({ managerId, firstName = '', lastName = '' }) => ({
      manager: { managerId, firstName, lastName, version: 2n },
      deliveries: applied('COMM-010'),
    }),
    createAssessment: ({ assessmentId = '', authorId, title, exercises }) => ({
      assessment: {
        assessmentId,
        authorId,
        title,
        version: 1n,
        exercises: exercises.map((one) => ({
          exerciseId: randomUUIDv7(),
          title: one.title,
          text: one.text,
          difficulty: one.difficulty ?? 1,
        })),
      },
      deliveries: applied('COMM-020'),
    }),
    updateAssessment: ({ assessmentId, title = '' }) => ({
      assessment: { assessmentId, title, version: 2n, authorId: randomUUIDv7(), exercises: [] },
      deliveries: pending('COMM-021'),
    }),
  },
  hiring: {
    getAssessmentReplica: ({ assessmentId }) => ({ assessment: { assessmentId, version: 1n } }),
    registerCandidate: ({ candidateId = '', name }) => ({
      candidate: { candidateId, name, version: 1n },
      deliveries: applied('COMM-030'),
    }),
    submitSolution: ({ solutionId = '', assessmentId }) => ({
      solution: { solutionId },
      rating: { assessmentId, version: 1n, rating: 67, results: 1n, accepted: 1n },
      deliveries: applied('COMM-040'),
    }),
    revokeSolution: ({ solutionId }) => ({ solution: { solutionId } }),
  },
  management: {
    assignAssessment: ({ assignmentId = '' }) => ({
      assignment: { assignmentId },
      deliveries: applied('COMM-070'),
    }),
    promoteCandidate: ({ candidateId }) => ({ candidate: { candidateId } }),
  },
};

/**
 * One replica of every service for each of `replicas`; methods they leave out accept everything.
 */
export async function openCompany(
  t: TestContext,
  ...replicas: readonly StandIns[]
): Promise<PublicAddresses> {
  const all = replicas.length > 0 ? replicas : [{}];
  const addresses = { assessments: [], hiring: [], management: [] } as {
    [K in keyof PublicAddresses]: string[];
  };
  for (const one of all) {
    const { assessments, hiring, management } = DEFAULTS;
    addresses.assessments.push(
      await open(t, AssessmentsService, { ...assessments, ...one.assessments }),
    );
    addresses.hiring.push(await open(t, HiringService, { ...hiring, ...one.hiring }));
    addresses.management.push(
      await open(t, ManagementService, { ...management, ...one.management }),
    );
  }
  return addresses;
}

async function open<S extends DescService>(
  t: TestContext,
  service: S,
  handlers: Partial<Handlers<S>>,
): Promise<string> {
  const never = () => assert.fail('unexpected call');
  const refusing = service.methods.map(({ localName }) => [localName, never]);
  const all = { ...Object.fromEntries(refusing), ...handlers } as Handlers<S>;
  const services = [serve(service, all)];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services });
  await server.start();
  t.after(() => server.stop());
  return `127.0.0.1:${server.port()}`;
}

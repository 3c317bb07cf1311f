/** Every step between two versions of an event of the company. How to write one: docs/contract-versions.md. */
import type { Mapping } from 'relink';
import { managerCreated, managerUpdated } from './nicknames.ts';
import { solutionCompleted } from './solutions.ts';
import { assessmentCreated, assessmentUpdated } from './titles.ts';

export const mappings: readonly Mapping[] = [
  assessmentCreated,
  assessmentUpdated,
  managerCreated,
  managerUpdated,
  solutionCompleted,
];

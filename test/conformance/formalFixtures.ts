/**
 * How to exercise each formal link: what a business transaction of its producer does, how its
 * consumers apply it, and which rows of both sides must agree in the end.
 */
import { randomUUID } from 'node:crypto';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import type { Message } from '../../link/outbox/message.ts';
import {
  type Assessment,
  assessmentCreated,
  assessmentUpdated,
  changeAssessment,
  writeAssessment,
} from '../../services/assessments/domain/assessment.ts';
import {
  managerCreated,
  managerUpdated,
  registerManager,
} from '../../services/assessments/domain/manager.ts';
import {
  insertAssessment,
  lockAssessment,
  saveAssessment,
} from '../../services/assessments/store/assessments.ts';
import { insertManager, renameManager } from '../../services/assessments/store/managers.ts';
import { putManagers as putAtBonuses } from '../../services/bonuses/events/managers.ts';
import { pullRatings, ratingLookup } from '../../services/bonuses/events/ratingLookup.ts';
import { putRatings } from '../../services/bonuses/events/ratings.ts';
import {
  assignExercises,
  candidateCreated,
  registerCandidate,
} from '../../services/hiring/domain/candidate.ts';
import { assessmentRatingChanged, countResult } from '../../services/hiring/domain/rating.ts';
import { putAssessments } from '../../services/hiring/events/assessments.ts';
import { putManagers as putAtHiring } from '../../services/hiring/events/managers.ts';
import {
  insertCandidate,
  lockCandidate,
  saveCandidate,
} from '../../services/hiring/store/candidates.ts';
import { lockRating, saveRating } from '../../services/hiring/store/ratings.ts';
import { putCandidates } from '../../services/management/events/candidates.ts';
import type { FormalFixture, StateTable } from './fixture.ts';

const AUTHOR = '018f0000-0000-7000-8000-000000000001';
const AUTHOR_NAMES = { firstName: 'Emmy', lastName: 'Noether' };
const assessmentColumns = {
  key: 'id',
  version: 'version',
  columns: ['author_id', 'title', 'exercises'],
};
const candidateColumns = {
  key: 'id',
  version: 'version',
  columns: ['name', 'status', 'exercises_to_solve'],
};
const ratingColumns = { key: 'assessment_id', version: 'version', columns: ['rating'] };
const managerColumns = { key: 'id', version: 'version', columns: ['first_name', 'last_name'] };

export const formalFixtures: Readonly<Record<string, FormalFixture>> = {
  'COMM-010': fixture({
    act: async (tx, key, text) => {
      const names = { firstName: text, lastName: 'Lovelace' };
      const manager = registerManager(key, names, new Date());
      if (await insertManager(tx, manager)) return managerCreated(manager);
      return managerUpdated((await renameManager(tx, key, names, new Date()))!);
    },
    source: { table: 'managers', ...managerColumns },
    replicas: {
      hiring: { table: 'manager_replicas', ...managerColumns },
      bonuses: { table: 'manager_replicas', ...managerColumns },
    },
    handlers: { hiring: putAtHiring, bonuses: putAtBonuses },
  }),
  'COMM-020': assessmentFixture(assessmentCreated),
  'COMM-021': assessmentFixture(assessmentUpdated),
  'COMM-030': fixture({
    act: async (tx, key, text) => {
      const candidate = registerCandidate(key, text, new Date());
      if (await insertCandidate(tx, candidate)) return candidateCreated(candidate);
      const changed = assignExercises((await lockCandidate(tx, key))!, [randomUUID()]);
      await saveCandidate(tx, changed);
      return candidateCreated(changed);
    },
    source: { table: 'candidates', ...candidateColumns },
    replicas: { management: { table: 'candidate_replicas', ...candidateColumns } },
    handlers: { management: putCandidates },
  }),
  'COMM-060': fixture({
    act: async (tx, key, text) => {
      const now = new Date();
      const rating = countResult(await lockRating(tx, key, now), text.length % 2 === 0, now);
      await saveRating(tx, rating);
      return assessmentRatingChanged(rating);
    },
    source: { table: 'assessment_ratings', ...ratingColumns },
    replicas: { bonuses: { table: 'rating_replicas', ...ratingColumns } },
    handlers: { bonuses: putRatings },
    pull: (clients) => pullRatings(ratingLookup(() => clients.of(HiringService, 'hiring'))),
  }),
};

/** COMM-020 and COMM-021 carry states of one entity: each must bring the newest by itself. */
function assessmentFixture(toMessage: (assessment: Assessment) => Message): FormalFixture {
  return fixture({
    act: async (tx, key, text) => {
      await insertManager(tx, registerManager(AUTHOR, AUTHOR_NAMES, new Date()));
      const exercises = [{ title: text, text: '' }];
      const written = writeAssessment(
        key,
        { authorId: AUTHOR, title: text, exercises },
        new Date(),
      );
      if (await insertAssessment(tx, written)) return toMessage(written);
      const known = (await lockAssessment(tx, key))!;
      const changed = changeAssessment(known, { title: text, exercises }, new Date());
      await saveAssessment(tx, changed);
      return toMessage(changed);
    },
    source: { table: 'assessments', ...assessmentColumns },
    replicas: { hiring: { table: 'assessment_replicas', ...assessmentColumns } },
    handlers: { hiring: putAssessments },
  });
}

/** Every version that the source's rows went through was told. */
function fixture(of: Omit<FormalFixture, 'kind' | 'intents'>): FormalFixture {
  return { ...of, kind: 'formal', intents: versionsOf(of.source) };
}

function versionsOf({ table, key, version }: StateTable): string {
  return `select ${key}::text as key, v as version from ${table}
    cross join lateral generate_series(1, ${version}) v`;
}

/** The business from end to end, through the public APIs of five real services. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Assessment } from '../../gen/assessments/v1/assessment_pb.ts';
import { BookingKind } from '../../gen/bonuses/v1/statement_pb.ts';
import { SolutionState } from '../../gen/hiring/v1/solution_pb.ts';
import { until } from '../harness/until.ts';
import { ARRIVES, arrives, isRefusal, type ServiceClients } from '../rigs/processes/clients.ts';
import { ProcessCompany } from '../rigs/processes/company.ts';

const BASE_MINOR = 10_000n;

describe('the company', () => {
  let company: ProcessCompany;
  let clients: ServiceClients;
  before(async () => {
    company = await ProcessCompany.start();
    clients = company.clients;
  });
  after(() => company?.stop());

  /** An assessment with one exercise that hiring knows of, and its author. */
  async function writeAssessment(): Promise<{ authorId: string; assessment: Assessment }> {
    const { manager } = await clients.assessments.registerManager({
      firstName: 'Emmy',
      lastName: 'Noether',
    });
    const authorId = manager!.managerId;
    const { assessment } = await clients.assessments.createAssessment({
      authorId,
      title: '[Algebra] Groups',
      exercises: [{ title: 'S4/V4', text: 'Find the order.\nProve it.' }],
    });
    const { assessmentId } = assessment!;
    await arrives(() => clients.hiring.getAssessmentReplica({ assessmentId }), 'the replica');
    return { authorId, assessment: assessment! };
  }

  /** A candidate who may solve the assessment. */
  async function assign(assessmentId: string): Promise<string> {
    const { candidate } = await clients.hiring.registerCandidate({ name: 'Ada Lovelace' });
    const { candidateId } = candidate!;
    await arrives(
      () => clients.management.assignAssessment({ assessmentId, candidateId }),
      'the candidate at management',
    );
    await until(
      async () => {
        const { candidate } = await clients.hiring.getCandidate({ candidateId });
        return candidate!.assignedAssessmentIds.includes(assessmentId);
      },
      { ...ARRIVES, what: 'the assignment at hiring' },
    );
    return candidateId;
  }

  function solve(candidateId: string, { assessmentId, exercises }: Assessment, correct = true) {
    const { exerciseId } = exercises[0]!;
    return clients.hiring.submitSolution({ candidateId, assessmentId, exerciseId, correct });
  }

  /** Waits until there are so many: a busy machine answers a request before its bonus is booked. */
  async function bookingsOf(managerId: string, count: number) {
    const booked = await until(
      async () => {
        const { bookings } = await clients.bonuses.getStatement({ managerId });
        return bookings.length >= count ? bookings : undefined;
      },
      { ...ARRIVES, what: `${count} bookings` },
    );
    return booked!;
  }

  async function reconciled() {
    const confirmed = await until(
      async () => {
        const answer = await clients.bonuses.reconcile({});
        if (answer.problems.length > 0) throw new Error(answer.problems.join('; '));
        return answer.openPayouts === 0n ? answer : undefined;
      },
      { ...ARRIVES, what: 'every payout is confirmed' },
    );
    return confirmed!;
  }

  it('pays for accepted solutions, takes back for revoked ones, and every cent is accounted for', async () => {
    const { authorId, assessment } = await writeAssessment();
    const candidateId = await assign(assessment.assessmentId);
    const solved: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const { solution, rating, deliveries } = await solve(candidateId, assessment, i !== 2);
      assert.equal(solution!.state, i === 2 ? SolutionState.REJECTED : SolutionState.ACCEPTED);
      assert.equal(rating!.version, BigInt(i + 1));
      if (i === 2) continue;
      solved.push(solution!.solutionId);
      const booked = deliveries.find(({ link }) => link === 'COMM-040');
      assert.equal(booked?.consumer, 'bonuses');
      await bookingsOf(authorId, solved.length);
    }
    const { assessmentId } = assessment;
    const { rating } = await clients.hiring.getAssessmentRating({ assessmentId });
    assert.deepEqual([rating!.rating, rating!.results, rating!.accepted], [71, 5n, 4n]);

    const [cheated] = solved;
    const revoked = await clients.hiring.revokeSolution({ solutionId: cheated! });
    assert.equal(revoked.solution!.state, SolutionState.REVOKED);
    assert.equal(revoked.rating!.rating, 57);
    const again = await clients.hiring.revokeSolution({ solutionId: cheated! });
    assert.deepEqual([again.rating!.version, again.deliveries], [6n, []]);

    const bookings = await bookingsOf(authorId, solved.length + 1);
    assert.deepEqual(
      bookings.map(({ kind, solutionId }) => [kind, solutionId]),
      [...solved.map((id) => [BookingKind.CREDIT, id]), [BookingKind.DEBIT, cheated]],
    );
    for (const { kind, amountMinor, rating } of bookings)
      if (kind === BookingKind.CREDIT)
        assert.equal(amountMinor, (BASE_MINOR * BigInt(rating)) / 100n);
    assert.equal(bookings.at(-1)!.amountMinor, bookings[0]!.amountMinor, 'the same is taken back');
    const { balanceMinor } = await clients.bonuses.getBalance({ managerId: authorId });
    const kept = bookings.slice(1, -1).reduce((sum, one) => sum + one.amountMinor, 0n);
    assert.equal(balanceMinor, kept);

    const { finance, creditedMinor, debitedMinor } = await reconciled();
    assert.deepEqual(
      [finance!.creditedMinor, finance!.debitedMinor],
      [creditedMinor, debitedMinor],
    );
    const paid = await clients.finance.getStatement({ accountId: authorId, pageSize: 2 });
    assert.equal(paid.transferCount, 5n);
    assert.equal(paid.creditedMinor - paid.debitedMinor, balanceMinor);
    const after = { accountId: authorId, pageToken: paid.nextPageToken };
    const next = await clients.finance.getStatement({ ...after, pageSize: 3 });
    assert.deepEqual([paid.transfers.length, next.transfers.length], [2, 3]);
  });

  it('makes an exercise harder once, by its eleventh correct completion', async () => {
    const { assessment } = await writeAssessment();
    const { assessmentId } = assessment;
    const candidates = [await assign(assessmentId), await assign(assessmentId)];
    for (let i = 0; i < 13; i += 1) await solve(candidates[i % 2]!, assessment);
    const replica = await until(
      async () => {
        const answer = await clients.hiring.getAssessmentReplica({ assessmentId });
        return answer.assessment!.version === 2n ? answer.assessment : undefined;
      },
      { ...ARRIVES, what: 'the harder exercise at hiring' },
    );
    assert.equal(replica!.exercises[0]!.difficulty, assessment.exercises[0]!.difficulty + 1);
    const { assessment: owned } = await clients.assessments.getAssessment({ assessmentId });
    assert.deepEqual([owned!.version, owned!.exercises[0]!.difficulty], [2n, 2]);
  });

  it('knows at every service what a candidate has left to solve', async () => {
    const { assessment } = await writeAssessment();
    const candidateId = await assign(assessment.assessmentId);
    const listed = (toSolve: number, what: string) =>
      until(
        async () => {
          const all = await clients.management.listCandidates({ pageSize: 1_000 });
          const found = all.candidates.find((one) => one.candidateId === candidateId);
          return found?.exercisesToSolve.length === toSolve ? found : undefined;
        },
        { ...ARRIVES, what },
      );
    const { exerciseId } = assessment.exercises[0]!;
    assert.deepEqual((await listed(1, 'one exercise'))!.exercisesToSolve, [exerciseId]);
    await solve(candidateId, assessment);
    assert.equal((await listed(0, 'nothing left'))!.status, 'candidate');
    const promoted = await clients.management.promoteCandidate({ candidateId });
    assert.equal(promoted.candidate!.status, 'teacher');
    const again = await clients.management.promoteCandidate({ candidateId });
    assert.deepEqual(again.candidate!.promotedAt, promoted.candidate!.promotedAt);
    const { candidate } = await clients.hiring.getCandidate({ candidateId });
    assert.deepEqual([candidate!.status, candidate!.version], ['teacher', 4n]);
  });

  it('refuses what may not be, and says why', async () => {
    const { assessment } = await writeAssessment();
    const { assessmentId } = assessment;
    const unknown = randomUUID();
    const { candidate } = await clients.hiring.registerCandidate({ name: 'Grace Hopper' });
    const { candidateId } = candidate!;
    await assert.rejects(
      solve(candidateId, assessment),
      isRefusal('FAILED_PRECONDITION', 'NOT_ASSIGNED'),
    );
    await assert.rejects(solve(unknown, assessment), isRefusal('NOT_FOUND'));
    const assigned = await assign(assessmentId);
    const strange = { candidateId: assigned, assessmentId, exerciseId: unknown, correct: true };
    await assert.rejects(clients.hiring.submitSolution(strange), isRefusal('NOT_FOUND'));
    const wrong = await solve(assigned, assessment, false);
    await assert.rejects(
      clients.hiring.revokeSolution({ solutionId: wrong.solution!.solutionId }),
      isRefusal('FAILED_PRECONDITION', 'SOLUTION_NOT_ACCEPTED'),
    );
    await assert.rejects(
      clients.hiring.revokeSolution({ solutionId: unknown }),
      isRefusal('NOT_FOUND'),
    );
    await assert.rejects(
      clients.assessments.createAssessment({ authorId: unknown, title: 'Nobody wrote it' }),
      isRefusal('NOT_FOUND'),
    );
    await assert.rejects(
      clients.assessments.updateAssessment({
        assessmentId,
        exercises: [{ exerciseId: unknown, title: 'Not mine' }],
      }),
      isRefusal('INVALID_ARGUMENT'),
    );
    await assert.rejects(
      clients.management.assignAssessment({ assessmentId, candidateId: unknown }),
      isRefusal('NOT_FOUND'),
    );
    await assert.rejects(
      clients.bonuses.getBalance({ managerId: unknown }),
      isRefusal('NOT_FOUND'),
    );
    await assert.rejects(
      clients.bonuses.getStatement({ managerId: assessment.authorId, pageToken: 'abc' }),
      isRefusal('INVALID_ARGUMENT'),
    );
  });

  it('answers a repeated command as the first time, and refuses its id for anything else', async () => {
    const { assessment, authorId } = await writeAssessment();
    const { assessmentId } = assessment;
    const candidateId = await assign(assessmentId);
    const { exerciseId } = assessment.exercises[0]!;
    const taken = isRefusal('ALREADY_EXISTS', 'ID_TAKEN');

    const solution = {
      solutionId: randomUUID().toUpperCase(),
      candidateId,
      assessmentId,
      exerciseId,
    };
    const first = await clients.hiring.submitSolution({ ...solution, correct: true });
    const second = await clients.hiring.submitSolution({ ...solution, correct: true });
    assert.deepEqual(second.solution, first.solution);
    assert.deepEqual([second.rating!.results, second.deliveries], [1n, []]);
    await assert.rejects(clients.hiring.submitSolution({ ...solution, correct: false }), taken);

    const draft = { assessmentId: randomUUID(), authorId, title: 'Rings', exercises: [] };
    const { assessment: written } = await clients.assessments.createAssessment(draft);
    const { assessment: same } = await clients.assessments.createAssessment(draft);
    assert.deepEqual(same, written);
    await assert.rejects(
      clients.assessments.createAssessment({ ...draft, title: 'Fields' }),
      taken,
    );

    const person = { candidateId: randomUUID(), name: 'Sofia' };
    const registered = await clients.hiring.registerCandidate(person);
    assert.deepEqual(
      (await clients.hiring.registerCandidate(person)).candidate,
      registered.candidate,
    );
    await assert.rejects(clients.hiring.registerCandidate({ ...person, name: 'Sonya' }), taken);

    const repeated = await clients.management.assignAssessment({ assessmentId, candidateId });
    assert.deepEqual(repeated.deliveries, []);
    const other = { assignmentId: randomUUID(), assessmentId, candidateId };
    await assert.rejects(clients.management.assignAssessment(other), taken);

    const order = { idempotencyKey: randomUUID(), accountId: authorId, amountMinor: 5n };
    const { transfer } = await clients.finance.creditToAccount(order);
    assert.deepEqual((await clients.finance.creditToAccount(order)).transfer, transfer);
    await assert.rejects(clients.finance.debitFromAccount(order), taken);
    await assert.rejects(
      clients.finance.creditToAccount({ ...order, amountMinor: 0n }),
      isRefusal('INVALID_ARGUMENT'),
    );
  });

  it('pays once in the end while finance refuses orders', async () => {
    const { authorId, assessment } = await writeAssessment();
    const candidateId = await assign(assessment.assessmentId);
    await reconciled();
    await clients.finance.setBehaviour({ behaviour: { failPercent: 100 } });
    const order = { idempotencyKey: randomUUID(), accountId: authorId, amountMinor: 5n };
    await assert.rejects(clients.finance.creditToAccount(order), isRefusal('UNAVAILABLE'));
    for (let i = 0; i < 3; i += 1) await solve(candidateId, assessment);
    await until(
      async () => {
        const { ok, openPayouts } = await clients.bonuses.reconcile({});
        return ok && openPayouts === 3n;
      },
      { ...ARRIVES, what: 'three open payouts and nothing else' },
    );
    assert.equal((await clients.finance.getStatement({ accountId: authorId })).transferCount, 0n);
    await clients.finance.setBehaviour({});
    await reconciled();
    const { balanceMinor } = await clients.bonuses.getBalance({ managerId: authorId });
    const paid = await clients.finance.getStatement({ accountId: authorId });
    assert.deepEqual([paid.transferCount, paid.creditedMinor], [3n, balanceMinor]);
  });

  it('pays once though finance commits and never answers', async () => {
    const { authorId, assessment } = await writeAssessment();
    const candidateId = await assign(assessment.assessmentId);
    await clients.finance.setBehaviour({ behaviour: { timeOutPercent: 100 } });
    await solve(candidateId, assessment);
    const statement = () => clients.finance.getStatement({ accountId: authorId });
    await until(async () => (await statement()).transferCount === 1n, {
      ...ARRIVES,
      what: 'the transfer',
    });
    await clients.finance.setBehaviour({});
    await reconciled();
    assert.equal((await statement()).transferCount, 1n);
  });

  it('finds by reconciliation what finance lost, and what it moved without an order', async () => {
    const { authorId, assessment } = await writeAssessment();
    await solve(await assign(assessment.assessmentId), assessment);
    await reconciled();
    const sql = company.database('finance');
    const stray = randomUUID();
    await sql`update transfers set id = ${stray} where account_id = ${authorId}`;
    const { ok, problems } = await clients.bonuses.reconcile({});
    assert.equal(ok, false);
    const [booking] = (await clients.bonuses.getStatement({ managerId: authorId })).bookings;
    const { bookingId, amountMinor } = booking!;
    assert.deepEqual(problems, [
      `finance has not moved a credit of ${amountMinor} on ${authorId} for booking ${bookingId}`,
      `finance moved money for no booking: ${stray}`,
    ]);
    await sql`update transfers set id = ${bookingId} where id = ${stray}`;
    assert.equal((await clients.bonuses.reconcile({})).ok, true);
  });

  it('lists assessments page by page, each once', async () => {
    const { authorId } = await writeAssessment();
    for (let i = 0; i < 3; i += 1)
      await clients.assessments.createAssessment({ authorId, title: `[Analysis] ${i}` });
    const ids: string[] = [];
    let pageToken = '';
    do {
      const page = await clients.assessments.listAssessments({ pageSize: 2, pageToken });
      assert.ok(page.assessments.length <= 2);
      ids.push(...page.assessments.map((one) => one.assessmentId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length >= 4);
  });
});

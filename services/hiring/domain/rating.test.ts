import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assessmentRatingChanged, countResult, countRevocation, ratingOf } from './rating.ts';

const UNRATED = {
  assessmentId: '018f0000-0000-7000-8000-000000000001',
  version: 0n,
  results: 0n,
  accepted: 0n,
  ratedAt: new Date(0),
};

const counts = fc
  .tuple(fc.bigInt(0n, 10n ** 9n), fc.bigInt(0n, 10n ** 9n))
  .map(([accepted, rejected]) => ({ accepted, results: accepted + rejected }));

test('a rating is a whole number from 0 to 100, the nearest to the share', () => {
  fc.assert(
    fc.property(counts, ({ accepted, results }) => {
      const rating = ratingOf({ accepted, results });
      assert.ok(Number.isInteger(rating) && rating >= 0 && rating <= 100);
      const share = (100 * (Number(accepted) + 1)) / (Number(results) + 2);
      assert.ok(Math.abs(rating - share) <= 0.5 + 1e-6, `${rating} for ${share}`);
    }),
  );
});

test('an accepted result never lowers a rating, a rejected or revoked one never raises it', () => {
  fc.assert(
    fc.property(counts, ({ accepted, results }) => {
      const rating = { ...UNRATED, accepted, results };
      const now = new Date();
      assert.ok(ratingOf(countResult(rating, true, now)) >= ratingOf(rating));
      assert.ok(ratingOf(countResult(rating, false, now)) <= ratingOf(rating));
      if (accepted > 0n) assert.ok(ratingOf(countRevocation(rating, now)) <= ratingOf(rating));
    }),
  );
});

test('every result moves the version by one, also when the number stays', () => {
  const now = new Date('2026-01-02T03:04:05Z');
  const once = countResult(UNRATED, true, now);
  const twice = countRevocation(once, now);
  assert.deepEqual([once.version, once.results, once.accepted], [1n, 1n, 1n]);
  assert.deepEqual([twice.version, twice.results, twice.accepted], [2n, 1n, 0n]);
  assert.equal(assessmentRatingChanged(twice).payload.rated_at, '2026-01-02T03:04:05.000Z');
});

test('an assessment without results is rated 50', () => {
  assert.equal(ratingOf(UNRATED), 50);
});

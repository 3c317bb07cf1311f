/** Moves of every other link, under the whole business. The books are checked in the end. */
import './crashPlans.ts';
import './plans.ts';

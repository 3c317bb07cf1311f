/** How fast traffic goes on beside what is tested. */

/** Leaves most of the machine to what is tested: about eight requests a second. */
export const PACE_MS = 120;

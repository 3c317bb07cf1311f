/** How fast traffic goes on beside what is tested. */

/** Leaves most of the machine to what is tested: about 20 requests a second. */
export const PACE_MS = 40;

/**
 * Moves of one formal link, under traffic, in a company of their own. The gates come last: they leave
 * the link moved.
 */
import './lifecycle.ts';
import './gates.ts';

/**
 * What every functional link keeps on every transport it can be moved to, whatever the transport does:
 * each business event has its effect once, on ordered links in turn.
 */
import { links } from '../../services/links.ts';
import { conform } from './conform.ts';

conform(Object.values(links).filter((link) => link.kind === 'functional'));

/**
 * What every formal link keeps on every transport it can be moved to, whatever the transport does:
 * the suite is the interface. A new link takes part by being on the map, with a fixture.
 */
import { links } from '../../services/links.ts';
import { conform } from './conform.ts';

conform(Object.values(links).filter((link) => link.kind === 'formal'));

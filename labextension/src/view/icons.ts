// Signs on buttons that are no status: drawn in the current colour, 16 by 16.

import { drawn } from './elements';

const SIGNS = {
  play: ['M4 2.5 13 8 4 13.5Z', 'solid'],
  stop: ['M4 4h8v8H4Z', 'solid'],
  find: ['M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.5 10.5 14 14', 'line'],
  fit: ['M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10', 'line'],
  right: ['M1.5 5.5h4v5h-4zM10.5 5.5h4v5h-4zM5.5 8h5', 'line'],
  down: ['M5.5 1.5h5v4h-5zM5.5 10.5h5v4h-5zM8 5.5v5', 'line'],
  fold: ['M8 1.5v4M5.8 3.5 8 5.7l2.2-2.2M8 14.5v-4M5.8 12.5 8 10.3l2.2 2.2M2.5 8h11', 'line'],
  more: ['M3.5 8h.01M8 8h.01M12.5 8h.01', 'dots'],
  close: ['M4 4l8 8M12 4l-8 8', 'line'],
  up: ['M4 10l4-4 4 4', 'line'],
  next: ['M4 6l4 4 4-4', 'line']
} as const;

export type Sign = keyof typeof SIGNS;

/** A sign, for a button that says in words what it does. */
export function icon(name: Sign): SVGSVGElement {
  const [way, style] = SIGNS[name];
  const attributes = { viewBox: '0 0 16 16', width: 14, height: 14, class: `nbpipe-icon nbpipe-icon-${style}` };
  return drawn('svg', { ...attributes, 'aria-hidden': 'true' }, drawn('path', { d: way }));
}

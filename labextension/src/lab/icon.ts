// The icon of everything that is nbpipe's.

import { LabIcon } from '@jupyterlab/ui-components';

const SHAPE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16" height="16">' +
  '<g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.5">' +
  '<circle cx="3.5" cy="4" r="2"/><circle cx="3.5" cy="12" r="2"/><circle cx="12.5" cy="8" r="2"/>' +
  '<path d="M5.5 4h1.2c2 0 2 4 3.8 4M5.5 12h1.2c2 0 2-4 3.8-4"/></g></svg>';

export const pipelineIcon = new LabIcon({ name: 'nbpipe:pipeline', svgstr: SHAPE });

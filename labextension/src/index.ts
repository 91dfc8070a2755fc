// The extension: small plugins, each in its own file, each of use without the others that it does not require.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { badgesPlugin } from './lab/badges';
import { commandsPlugin } from './lab/commands';
import { doorPlugin } from './lab/door';
import { highlightPlugin } from './lab/highlight';
import { hostPlugin } from './lab/hostactions';
import { launcherPlugin } from './lab/launcher';
import { dressPage } from './lab/look';
import { makeStepPlugin } from './lab/makestep';
import { panelPlugin } from './lab/panel';
import { rendererPlugin } from './lab/renderer';
import { revivePlugin } from './lab/revive';
import { runButtonPlugin } from './lab/runbutton';
import { statusBarPlugin } from './lab/statusbar';
import { watchPlugin } from './lab/watch';

export { IPipelineDoor } from './lab/door';
export { IPipelinePanel } from './lab/panel';
export { IPipelineWatch } from './lab/watch';

const lookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:look',
  description: 'Puts the extension’s styles into the page.',
  autoStart: true,
  activate: dressPage
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  lookPlugin,
  doorPlugin,
  watchPlugin,
  panelPlugin,
  rendererPlugin,
  hostPlugin,
  badgesPlugin,
  highlightPlugin,
  runButtonPlugin,
  makeStepPlugin,
  commandsPlugin,
  statusBarPlugin,
  launcherPlugin,
  revivePlugin
] as JupyterFrontEndPlugin<unknown>[];

export default plugins;

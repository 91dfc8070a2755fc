// The Launcher's card "Pipeline notebook": a notebook whose first cells make the smallest pipeline.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { LOAD } from './cells';
import { pipelineIcon } from './icon';
import { CATEGORY, NEW_NOTEBOOK } from './names';

const CELLS = [
  LOAD,
  "%%pipeline_step hello.py {>hello.txt}\nimport sys\n\nwith open(sys.argv[1], 'w') as file:\n    file.write('hello')",
  '%pipeline_run --wait',
  "import nbpipe\n\nprint(nbpipe.path('hello').read_text())"
];

/** Fill a new notebook with the cells. */
async function fill(panel: NotebookPanel): Promise<void> {
  await panel.context.ready;
  const model = panel.model?.sharedModel;
  model?.transact(() => {
    model.deleteCellRange(0, model.cells.length);
    model.insertCells(
      0,
      CELLS.map(source => ({ cell_type: 'code', source, metadata: {} }))
    );
  });
  panel.content.activeCellIndex = 0;
}

export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:launcher',
  description: 'Makes a notebook with the smallest pipeline.',
  autoStart: true,
  optional: [ILauncher, IDefaultFileBrowser, ICommandPalette],
  activate: (
    app,
    launcher: ILauncher | null,
    browser: IDefaultFileBrowser | null,
    palette: ICommandPalette | null
  ) => {
    app.commands.addCommand(NEW_NOTEBOOK, {
      label: args => (args['isPalette'] ? 'New Pipeline Notebook' : 'Pipeline Notebook'),
      caption: 'Make a notebook with the smallest pipeline',
      icon: pipelineIcon,
      execute: async args => {
        const cwd = typeof args['cwd'] === 'string' ? args['cwd'] : (browser?.model.path ?? '');
        const panel = (await app.commands.execute('notebook:create-new', { cwd })) as NotebookPanel;
        await fill(panel);
        return panel;
      }
    });
    launcher?.add({ command: NEW_NOTEBOOK, category: 'Notebook', rank: 90 });
    palette?.addItem({ command: NEW_NOTEBOOK, category: CATEGORY, args: { isPalette: true } });
  }
};

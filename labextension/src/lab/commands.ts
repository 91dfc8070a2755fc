// Commands for the pipeline of the notebook in front, in the palette; schema/plugin.json has menu and keys.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { ButtonCard } from '../protocol';
import type { View } from '../view/view';
import { loadNbpipe } from './cells';
import { pipelineIcon } from './icon';
import * as names from './names';
import { IPipelinePanel } from './panel';
import type { NotebookWatch } from './watch';
import { IPipelineWatch } from './watch';

interface Wish {
  readonly label: string;
  readonly caption: string;
  readonly enabled?: (view: View) => boolean;
  readonly run: (view: View) => void;
}

/** Commands that ask the kernel, by their names. */
function wishes(): Record<string, Wish> {
  return {
    [names.RUN]: {
      label: 'Run the Pipeline',
      caption: 'Run the steps that the plan says will run',
      run: view => view.run()
    },
    [names.STOP]: {
      label: 'Stop the Run',
      caption: 'Stop the run that the panel shows',
      enabled: view => view.store.head?.stop ?? false,
      run: view => void view.store.ask('stop', { step: '' })
    },
    [names.PLAN]: {
      label: 'Show the Plan',
      caption: 'Show what a run would do now, and why',
      run: view => view.store.turnTo(view.store.head?.pipeline ?? '')
    },
    [names.NEXT_FAILED]: {
      label: 'Next Failed Step',
      caption: 'Show the next step that failed',
      enabled: view => failed(view).length > 0,
      run: view => view.show(nextFailed(view))
    },
    [names.RESTORE]: {
      label: 'Register the Step Cells',
      caption: 'Register the step cells of this notebook again, as after a restart of the kernel',
      run: view => void view.store.ask('restore')
    },
    [names.ATTACH]: {
      label: 'Attach to the Run',
      caption: 'Follow the run that goes on although the kernel was restarted',
      enabled: view => attaching(view) !== undefined,
      run: view => void view.store.ask('attach', { ...attaching(view)?.args })
    }
  };
}

/** The bar's button that attaches, while there is something to attach to. */
function attaching(view: View): ButtonCard | undefined {
  return view.store.head?.bar?.buttons.find(each => each.verb === 'attach');
}

function failed(view: View): string[] {
  return [...view.store.nodes.values()].filter(each => each.status === 'failed').map(each => each.id);
}

function nextFailed(view: View): string {
  const ids = failed(view);
  const at = view.store.selection === null ? -1 : ids.indexOf(view.store.selection);
  return ids[(at + 1) % ids.length] ?? '';
}

function addCommands(app: JupyterFrontEnd, watches: IPipelineWatch, panel: IPipelinePanel): void {
  for (const [name, wish] of Object.entries(wishes())) {
    app.commands.addCommand(name, {
      label: wish.label,
      caption: wish.caption,
      isEnabled: () => watches.current?.door.state === 'open' && (!panel.view || (wish.enabled?.(panel.view) ?? true)),
      execute: () => {
        panel.open();
        if (panel.view) {
          wish.run(panel.view);
        }
      }
    });
  }
  app.commands.addCommand(names.OPEN_PANEL, {
    label: 'Open the Pipeline Panel',
    caption: 'Show the pipeline of the notebook in front',
    icon: pipelineIcon,
    execute: () => panel.open()
  });
  app.commands.addCommand(names.LOAD_NBPIPE, {
    label: 'Load nbpipe into the Kernel',
    caption: 'Run the cell %load_ext nbpipe; it is put at the top where there is none',
    isEnabled: () => watches.current?.door.state === 'absent',
    execute: () => (watches.current ? loadNbpipe(watches.current.panel) : undefined)
  });
}

const ORDER = [
  names.OPEN_PANEL,
  names.RUN,
  names.RUN_STEP,
  names.STOP,
  names.PLAN,
  names.NEXT_FAILED,
  names.MAKE_STEP,
  names.RESTORE,
  names.ATTACH,
  names.LOAD_NBPIPE
];

/** Say again which commands can be given, whenever the notebook in front or its pipeline changes. */
function keepEnabled(app: JupyterFrontEnd, watches: IPipelineWatch): void {
  const notify = (): void => [...ORDER].forEach(name => app.commands.notifyCommandChanged(name));
  const seen = new WeakSet<NotebookWatch>();
  watches.currentChanged.connect((_, watch) => {
    if (watch && !seen.has(watch)) {
      seen.add(watch);
      watch.door.changed.connect(notify);
    }
    notify();
  });
}

export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: names.PLUGIN,
  description: 'Commands for the pipeline of the notebook in front.',
  autoStart: true,
  requires: [IPipelineWatch, IPipelinePanel],
  optional: [ICommandPalette],
  activate: (app, watches: IPipelineWatch, panel: IPipelinePanel, palette: ICommandPalette | null) => {
    addCommands(app, watches, panel);
    keepEnabled(app, watches);
    ORDER.forEach(command => palette?.addItem({ command, category: names.CATEGORY }));
  }
};

// The "Pipeline" panel at the right: the pipeline of the notebook in front, and the runs of its workspace.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { Token } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import type { Tab } from '../view/context';
import { button, element } from '../view/elements';
import { followTheme } from '../view/theme';
import type { View } from '../view/view';
import { mountView } from '../view/view';
import { loadingCell, loadNbpipe } from './cells';
import { pipelineIcon } from './icon';
import { RunList } from './runlist';
import type { NotebookWatch } from './watch';
import { IPipelineWatch } from './watch';

/** Shows steps in the panel. */
export interface IPipelinePanel {
  /** Bring the panel to the front. */
  open(): void;
  /** Show a step of the notebook in front. */
  show(node: string, tab?: Tab): void;
  /** The view that is shown, or null. */
  readonly view: View | null;
}
export const IPipelinePanel = new Token<IPipelinePanel>(
  'nbpipe-labextension:IPipelinePanel',
  'The panel with the pipeline of the notebook in front.'
);

export const PANEL_ID = 'nbpipe-panel';

class PipelinePanel extends Widget {
  view: View | null = null;
  private watch: NotebookWatch | null = null;
  private runs: RunList | null = null;
  private readonly notice = element('div', { class: 'lab-panel-notice', attributes: { role: 'status' } });
  private readonly place = element('div', { class: 'lab-panel-view' });
  private readonly ends: (() => void)[] = [];

  constructor() {
    super();
    this.id = PANEL_ID;
    this.addClass('nbpipe-panel');
    this.title.icon = pipelineIcon;
    this.title.caption = 'Pipeline';
    this.node.append(this.notice, this.place);
    followTheme(this.node, () => undefined);
    this.draw();
  }

  /** Show another notebook's pipeline. */
  follow(watch: NotebookWatch | null): void {
    if (watch === this.watch) {
      return;
    }
    this.watch?.door.changed.disconnect(this.draw);
    this.watch?.door.greeted.disconnect(this.notify);
    this.unmount();
    this.watch = watch;
    watch?.door.changed.connect(this.draw);
    watch?.door.greeted.connect(this.notify);
    this.draw();
  }

  override dispose(): void {
    this.follow(null);
    super.dispose();
  }

  private readonly draw = (): void => {
    const door = this.watch?.door;
    if (this.watch && door?.state === 'open') {
      if (this.view) {
        this.view.store.subscribe(); // the kernel was restarted
      } else {
        this.mount(this.watch);
      }
    }
    this.place.classList.toggle('nbpipe-gone', door?.state !== 'open');
    this.notify();
  };

  private readonly notify = (): void => this.notice.replaceChildren(...this.noticeOf(this.watch));

  private mount(watch: NotebookWatch): void {
    const root = element('div');
    this.place.append(root);
    const view = mountView(root, watch.door.channel, { hosted: 'panel' });
    this.view = view;
    this.runs = new RunList(view);
    this.place.append(this.runs.node);
    this.ends.push(watch.share(view.store));
  }

  private unmount(): void {
    this.ends.splice(0).forEach(end => end());
    this.runs?.dispose();
    this.view?.dispose();
    this.runs = this.view = null;
    this.place.replaceChildren();
  }

  private noticeOf(watch: NotebookWatch | null): Node[] {
    if (!watch) {
      return [element('p', {}, 'Open a notebook, and its pipeline is shown here.')];
    }
    const { door, panel } = watch;
    if (door.state === 'open') {
      return this.choiceOf(door.hello?.pipelines ?? []);
    }
    const sentence = door.returning ? `The kernel was restarted. ${door.sentence}` : door.sentence;
    const lines: Node[] = [element('p', {}, sentence)];
    if (door.state === 'absent') {
      const label = loadingCell(panel) ? 'Run %load_ext nbpipe' : 'Insert %load_ext nbpipe';
      lines.push(button(label, { class: 'lab-button', click: () => void loadNbpipe(panel) }));
    }
    return lines;
  }

  /** Which of the kernel's pipelines is shown, where there are several. */
  private choiceOf(pipelines: readonly string[]): Node[] {
    if (pipelines.length < 2) {
      return [];
    }
    const choice = element('select', { attributes: { 'aria-label': 'Pipeline' } });
    for (const name of pipelines) {
      choice.append(element('option', { attributes: { value: name } }, name));
    }
    choice.value = this.view?.store.head?.pipeline ?? pipelines[0] ?? '';
    choice.addEventListener('change', () => this.view?.store.turnTo(choice.value));
    return [choice];
  }
}

export const panelPlugin: JupyterFrontEndPlugin<IPipelinePanel> = {
  id: 'nbpipe-labextension:panel',
  description: 'A panel with the pipeline of the notebook in front.',
  autoStart: true,
  requires: [IPipelineWatch],
  optional: [ILayoutRestorer],
  provides: IPipelinePanel,
  activate: (app, watches: IPipelineWatch, restorer: ILayoutRestorer | null) => {
    const panel = new PipelinePanel();
    watches.currentChanged.connect((_, watch) => {
      if (watch) {
        panel.follow(watch);
        watch.panel.disposed.connect(() => panel.follow(watches.current));
      }
    });
    panel.follow(watches.current);
    app.shell.add(panel, 'right', { rank: 700, type: 'Pipeline' });
    restorer?.add(panel, PANEL_ID);
    return {
      open: () => app.shell.activateById(PANEL_ID),
      show: (node, tab) => {
        app.shell.activateById(PANEL_ID);
        panel.view?.show(node, tab);
      },
      get view() {
        return panel.view;
      }
    };
  }
};

// Turns an output that stands for a pipeline into a live view, and into its saved picture where no kernel speaks.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { VIEW_MIME } from '../protocol';
import { element } from '../view/elements';
import type { View } from '../view/view';
import { mountView } from '../view/view';
import type { Door } from './door';
import { IPipelineWatch } from './watch';

const BEFORE_WIDGETS = -20; // a lower rank wins; ipywidgets has -10
const SVG = 'image/svg+xml';
const TEXT = 'text/plain';

class PipelineOutput extends Widget implements IRenderMime.IRenderer {
  private view: View | null = null;
  private door: Door | null = null;
  private model: IRenderMime.IMimeModel | null = null;
  private readonly ends: (() => void)[] = [];

  constructor(private readonly watches: IPipelineWatch) {
    super();
    this.addClass('nbpipe-lab-output');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    this.unmount();
    this.draw();
    return Promise.resolve();
  }

  override dispose(): void {
    this.leave();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.meet();
  }

  protected override onBeforeDetach(message: Message): void {
    this.leave();
    super.onBeforeDetach(message);
  }

  /** Find the notebook around this output, and its kernel's door. */
  private meet(): void {
    const panel = this.panel();
    if (panel && !this.door) {
      this.door = this.watches.of(panel).door;
      this.door.changed.connect(this.draw);
    }
    this.draw();
  }

  private leave(): void {
    this.door?.changed.disconnect(this.draw);
    this.door = null;
    this.unmount();
  }

  private panel(): NotebookPanel | null {
    let around = this.parent;
    while (around && !(around instanceof NotebookPanel)) {
      around = around.parent;
    }
    return around;
  }

  private readonly draw = (): void => {
    const panel = this.panel();
    if (panel && this.door?.state === 'open') {
      if (this.view) {
        this.view.store.subscribe();
      } else {
        this.mount(panel, this.door);
      }
    } else if (!this.view) {
      this.node.replaceChildren(...this.saved());
    }
    this.toggleClass('nbpipe-gone', this.view !== null && this.door?.state !== 'open');
  };

  private mount(panel: NotebookPanel, door: Door): void {
    const { pipeline, run } = (this.model?.data[VIEW_MIME] ?? {}) as { pipeline?: unknown; run?: unknown };
    const root = element('div');
    this.node.replaceChildren(root);
    const subject = { pipeline: word(pipeline), run: word(run) };
    this.view = mountView(root, door.channel, { hosted: 'cell', ...subject });
    this.ends.push(this.watches.of(panel).share(this.view.store));
  }

  private unmount(): void {
    this.ends.splice(0).forEach(end => end());
    this.view?.dispose();
    this.view = null;
    this.node.replaceChildren();
  }

  /** What the notebook keeps of the view: a picture, which as an image runs nothing, or a text. */
  private saved(): Node[] {
    const data = this.model?.data ?? {};
    const text = word(data[TEXT]);
    const svg = word(data[SVG]);
    if (svg === '') {
      return text === '' ? [] : [element('pre', {}, text)];
    }
    const image = element('img', { attributes: { alt: text } });
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    return [image];
  }
}

/** A value of a MIME bundle as text; a notebook file holds long ones as lists of lines. */
function word(value: unknown): string {
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

export const rendererPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:renderer',
  description: 'Shows the output of %pipeline as a live view.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IPipelineWatch, INotebookTracker],
  activate: (_, registry: IRenderMimeRegistry, watches: IPipelineWatch) => {
    const createRenderer = (): IRenderMime.IRenderer => new PipelineOutput(watches);
    registry.addFactory({ safe: true, mimeTypes: [VIEW_MIME], createRenderer }, BEFORE_WIDGETS);
  }
};

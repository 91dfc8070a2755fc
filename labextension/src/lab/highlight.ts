// Colours on the first line of a step's cell; each name says where it comes from, and Ctrl-click goes there.

import type { Extension, Range } from '@codemirror/state';
import { StateEffect } from '@codemirror/state';
import type { DecorationSet, EditorView, ViewUpdate } from '@codemirror/view';
import { Decoration, ViewPlugin } from '@codemirror/view';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { goToCell } from './cells';
import type { Part } from './magicline';
import { partsOf } from './magicline';
import { PLUGIN } from './names';
import { Outline } from './outline';
import { settingOf } from './settings';

const refresh = StateEffect.define();

/** The notebook around an editor, and the names in it. */
interface Around {
  readonly panel: NotebookPanel;
  readonly outline: Outline;
}

/** What a part looks like, and what its title says. */
function lookOf(part: Part, around: Around | undefined): { look: string; title: string } {
  switch (part.kind) {
    case 'reads':
      return around ? readLook(part, around.outline) : { look: 'reads', title: '' };
    case 'writes':
      return { look: 'writes', title: `${part.name} is written here; other steps read it as {${part.name}}.` };
    case 'file':
      return { look: 'file', title: `${part.name}, a path seen from the notebook. It is read by its content.` };
    default:
      return { look: part.kind, title: '' };
  }
}

function readLook(part: Part, outline: Outline): { look: string; title: string } {
  const maker = outline.makerOf(part);
  if (maker) {
    return { look: 'reads', title: `${part.name} is made by ${maker.step}. Ctrl-click goes there.` };
  }
  if (part.step === '' && outline.speaksOf(part.name)) {
    return { look: 'takes', title: `${part.name} is a variable of the notebook.` };
  }
  const whole = part.step === '' ? part.name : `${part.step}.${part.name}`;
  return { look: 'unknown', title: `Nothing in this notebook makes ${whole}.` };
}

class MagicLine {
  decorations: DecorationSet = Decoration.none;
  private parts: Part[] = [];
  private around: Around | undefined;
  private readonly redraw = (): void => this.view.dispatch({ effects: refresh.of(null) });

  constructor(
    private readonly view: EditorView,
    private readonly find: () => Around | undefined
  ) {
    this.read();
    queueMicrotask(() => this.meet()); // the cell is in its notebook by then
  }

  update(update: ViewUpdate): void {
    const refreshed = update.transactions.some(each => each.effects.some(effect => effect.is(refresh)));
    if (update.docChanged) {
      this.parts = partsOf(this.view.state.sliceDoc(0, 4096));
    }
    if (update.docChanged || refreshed) {
      this.meet();
      this.draw();
    }
  }

  destroy(): void {
    this.around?.outline.changed.disconnect(this.redraw);
  }

  /** Go to the step that makes what is clicked. */
  click(event: MouseEvent): boolean {
    const at = event.ctrlKey || event.metaKey ? this.view.posAtCoords(event) : null;
    const part = this.parts.find(each => each.kind === 'reads' && at !== null && each.from <= at && at <= each.to);
    const maker = part && this.around?.outline.makerOf(part);
    if (!maker || !this.around) {
      return false;
    }
    void goToCell(this.around.panel, maker.cell);
    return true;
  }

  private read(): void {
    this.parts = partsOf(this.view.state.sliceDoc(0, 4096));
    this.draw();
  }

  private meet(): void {
    if (this.around === undefined && this.parts.length > 0) {
      this.around = this.find();
      this.around?.outline.changed.connect(this.redraw);
      if (this.around) {
        queueMicrotask(this.redraw);
      }
    }
  }

  private draw(): void {
    const marks: Range<Decoration>[] = this.parts.map(part => {
      const { look, title } = lookOf(part, this.around);
      const mark = Decoration.mark({ class: `nbpipe-lab-${look}`, attributes: title ? { title } : {} });
      return mark.range(part.from, part.to);
    });
    this.decorations = Decoration.set(marks, true);
  }
}

function extension(find: () => Around | undefined): Extension {
  return ViewPlugin.define(view => new MagicLine(view, find), {
    decorations: plugin => plugin.decorations,
    eventHandlers: {
      mousedown(event) {
        return this.click(event);
      }
    }
  });
}

export const highlightPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:highlight',
  description: 'Colours the first line of a step’s cell.',
  autoStart: true,
  requires: [IEditorExtensionRegistry, INotebookTracker],
  optional: [ISettingRegistry],
  activate: (
    _,
    registry: IEditorExtensionRegistry,
    tracker: INotebookTracker,
    settings: ISettingRegistry | null
  ) => {
    const wanted = settingOf(settings, PLUGIN, 'highlight', true);
    const outlines = new Map<NotebookPanel, Outline>();
    const outlineOf = (panel: NotebookPanel): Outline => {
      const outline = outlines.get(panel) ?? new Outline(panel);
      outlines.set(panel, outline);
      return outline;
    };
    tracker.widgetAdded.connect((_, panel) => {
      outlineOf(panel);
      panel.disposed.connect(() => outlines.delete(panel));
    });
    const find = (model: object): Around | undefined => {
      const panel = tracker.find(each => outlineOf(each).holds(model));
      return panel && { panel, outline: outlineOf(panel) };
    };
    registry.addExtension({
      name: 'nbpipe-magic-line',
      factory: options =>
        wanted() ? EditorExtensionRegistry.createImmutableExtension(extension(() => find(options.model))) : null
    });
  }
};

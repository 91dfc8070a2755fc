// The runs of the workspace, below the panel's view: a click shows one of them.

import type { RunItem } from '../protocol';
import { button, element } from '../view/elements';
import { glyph } from '../view/glyph';
import type { View } from '../view/view';
import { when } from '../view/words';

/** Azure ML v1's word for a run -> the status whose glyph it gets. */
const GLYPH_OF: Readonly<Record<string, string>> = {
  NotStarted: 'queued',
  Queued: 'queued',
  Running: 'running',
  Finished: 'done',
  Failed: 'failed',
  Canceled: 'cancelled'
};

/** A foldable list of runs that belongs to one view. */
export class RunList {
  readonly node: HTMLDetailsElement;
  private readonly list = element('ul', { class: 'lab-runs-list' });
  private readonly stop: () => void;
  private shown = '';

  constructor(private readonly view: View) {
    this.node = element('details', { class: 'lab-runs' }, element('summary', {}, 'Runs'), this.list);
    this.node.addEventListener('toggle', () => void this.refresh());
    this.stop = view.store.listen(change => {
      if (change.kind === 'graph' || change.kind === 'patch') {
        this.follow();
      }
    });
  }

  dispose(): void {
    this.stop();
    this.node.remove();
  }

  /** A run that began or ended changes the list. */
  private follow(): void {
    const run = this.view.store.head?.run;
    const shown = `${this.view.store.head?.mode ?? ''} ${run?.id ?? ''} ${run?.status ?? ''}`;
    if (shown !== this.shown) {
      this.shown = shown;
      void this.refresh();
    }
  }

  private async refresh(): Promise<void> {
    if (!this.node.open) {
      return;
    }
    const items = await this.view.link.request('runs').then(
      answer => answer.items,
      () => []
    );
    const rows = [this.planRow(), ...items.map(item => this.row(item))];
    this.list.replaceChildren(...rows);
  }

  private planRow(): HTMLElement {
    const pipeline = this.view.store.head?.pipeline ?? '';
    const label = element('span', { class: 'lab-runs-name' }, 'Plan');
    const text = element('span', { class: 'lab-runs-text' }, 'what a run would do now');
    return this.entry(pipeline, '', glyph('will run', 14), label, text);
  }

  private row(item: RunItem): HTMLElement {
    const began = item.started === null ? '' : when(item.started);
    return this.entry(
      item.pipeline,
      item.id,
      glyph(GLYPH_OF[item.status] ?? item.status, 14),
      element('span', { class: 'lab-runs-name' }, `run ${item.id}`),
      element('span', { class: 'lab-runs-text', title: item.summary }, item.summary),
      element('span', { class: 'lab-runs-time' }, began)
    );
  }

  private entry(pipeline: string, run: string, ...content: (Node | string)[]): HTMLElement {
    const entry = button(null, { click: () => this.view.store.turnTo(pipeline, run) }, ...content);
    entry.dataset['run'] = run;
    entry.setAttribute('aria-current', String((this.view.store.head?.run?.id ?? '') === run));
    return element('li', {}, entry);
  }
}

// The tab Logs: what a step printed, followed while it runs; beside it, where it failed, what went wrong.

import type { LogMessage, NodeCard, WhyAnswer } from '../../protocol';
import { button, element } from '../elements';
import { counted, grouped, size } from '../words';
import { Asking, trouble } from './asking';
import { failureCard } from './failure';
import type { Chunk } from './log_download';
import { LogDownload } from './log_download';
import { LogFind } from './log_find';
import { LogPages } from './log_pages';
import { logRow } from './log_row';
import type { Pane, PaneContext } from './pane';
import { canGo, go } from './source';
import { Windowed } from './windowed';

const ROW = 20; // pixels

export function logsPane(place: HTMLElement, context: PaneContext): Pane {
  return new Logs(place, context);
}

class Logs implements Pane {
  readonly #card = element('div', { class: 'beside' });
  readonly #trouble = element('div');
  readonly #told = element('span', { class: 'log-told' });
  readonly #follow: HTMLButtonElement;
  readonly #list: Windowed;
  readonly #find: LogFind;
  readonly #download: LogDownload;
  readonly #why: Asking;
  readonly #opening: Asking;
  readonly #stop: () => void;
  #pages: LogPages;
  #node: NodeCard | null = null;
  #log: LogMessage | null = null;
  #opened = ''; // which step, run and attempt is open
  #started: number | null = null; // when what is open began to run
  #attempt = 0; // 0: the newest
  #newest = 1;
  #following = false;
  #placed = false;
  #linked = false;

  constructor(
    place: HTMLElement,
    private readonly context: PaneContext
  ) {
    this.#list = new Windowed({
      rowHeight: ROW,
      label: 'Log',
      row: index => this.#row(index + 1),
      visible: (first, last) => this.#pages.want(first + 1, last),
      moved: toEnd => this.#setFollowing(toEnd)
    });
    this.#find = new LogFind({
      ask: (text, first) => context.link.request('log_find', { text, first }),
      sought: () => this.#list.renew(),
      goTo: number => this.#turnTo(number),
      closed: () => this.#list.element.focus()
    });
    this.#download = new LogDownload(
      (offset, bytes) => context.link.request('log_chunk', { offset, size: bytes }) as Promise<Chunk>,
      () => `${this.#node?.name ?? 'step'}.log`,
      error => this.#fail(error)
    );
    this.#follow = button('Follow', {
      class: 'link',
      title: 'Stay at the end while the log grows',
      attributes: { 'aria-pressed': 'false' },
      click: () => this.#setFollowing(!this.#following)
    });
    this.#why = new Asking(context.link, this.#card);
    this.#opening = new Asking(context.link, this.#trouble);
    this.#pages = this.#newPages();
    this.#stop = context.link.listen(message => message.type === 'log' && this.#hear(message));
    place.append(element('div', { class: 'logs' }, this.#card, this.#box()));
    place.addEventListener('keydown', event => this.#keyed(event));
  }

  tells(node: NodeCard): string {
    return [node.status, node.key, node.started, this.#run].join('\n');
  }

  show(node: NodeCard): void {
    this.#node = node;
    this.#linked = canGo(this.context.root, node);
    this.#showCard(node);
    this.#open(node);
  }

  dispose(): void {
    this.#stop();
    this.#why.end();
    this.#opening.end();
    this.#find.end();
    this.#download.cancel();
    this.#list.dispose();
    void this.context.link.request('log_close').catch(() => undefined); // the kernel may be gone
  }

  get #run(): string {
    return this.context.store.head?.run?.id ?? '';
  }

  #box(): HTMLElement {
    const foot = element(
      'div',
      { class: 'log-foot' },
      this.#told,
      element(
        'span',
        { class: 'log-buttons' },
        this.#follow,
        button('Find', { class: 'link', title: 'Find in the log (Ctrl+F)', click: () => this.#find.open() }),
        this.#download.element
      )
    );
    return element('div', { class: 'log box' }, this.#find.element, this.#trouble, this.#list.element, foot);
  }

  #showCard(node: NodeCard): void {
    this.#card.hidden = node.status !== 'failed';
    if (node.status === 'failed') {
      this.#why.wait<WhyAnswer>(this.context.why(), ({ failure, diffs }) => {
        this.#card.hidden = failure === null;
        this.#card.replaceChildren(...(failure ? [failureCard(failure, diffs, node, this.context)] : []));
      });
    } else {
      this.#why.end();
      this.#card.replaceChildren();
    }
  }

  #open(node: NodeCard, attempt = 0): void {
    const wanted = [node.id, this.#run, attempt].join('\n');
    const anew = node.started !== null && node.started !== this.#started;
    if (wanted === this.#opened && !anew) {
      return; // where it ended, what is open tells so itself
    }
    this.#opened = wanted;
    this.#started = node.started ?? this.#started;
    this.#attempt = attempt;
    this.#log = null;
    this.#placed = false;
    this.#pages = this.#newPages();
    this.#list.count = 0;
    this.#list.renew();
    this.#setFollowing(node.status === 'running');
    this.#trouble.replaceChildren();
    const args = { step: node.id, run: '', attempt };
    this.#opening.wait(this.context.link.request('log_open', args), () => this.#trouble.replaceChildren());
  }

  #newPages(): LogPages {
    const pages: LogPages = new LogPages(
      (first, count) => this.context.link.request('log_page', { first, count }),
      (first, last) => pages === this.#pages && this.#list.renew(first - 1, last - 1),
      error => pages === this.#pages && this.#fail(error)
    );
    return pages;
  }

  #hear(log: LogMessage): void {
    const before = this.#log;
    if (!this.#isMeant(log) || log.number < (before?.number ?? 0)) {
      return;
    }
    if (before !== null && log.attempt !== before.attempt) {
      this.#pages = this.#newPages(); // the step began anew
      this.#list.renew();
    }
    const grew = log.size !== before?.size || log.lines !== before.lines;
    this.#log = log;
    this.#newest = Math.max(this.#newest, log.attempt);
    this.#tell(log);
    if (grew) {
      this.#pages.grown(log.lines);
      this.#list.count = log.lines;
      this.#list.renew(log.lines - 1);
    }
    this.#settle(log);
  }

  #isMeant(log: LogMessage): boolean {
    return log.step === this.#node?.id && (this.#attempt === 0 || log.attempt === this.#attempt);
  }

  /** Go where one wants to be: the end while it follows, the first traceback once it is known. */
  #settle(log: LogMessage): void {
    if (this.#following) {
      this.#list.goToEnd();
    } else if (!this.#placed && log.traceback !== null) {
      this.#placed = true;
      this.#list.goTo(log.traceback - 1);
    }
  }

  #tell(log: LogMessage): void {
    const traceback = log.traceback;
    const parts: (Node | string)[] = [log.lines === 0 && log.ended ? 'It printed nothing' : counted(log.lines, 'line')];
    if (log.errors > 0) {
      parts.push(`stderr ${grouped(log.errors)}`);
    }
    if (traceback !== null) {
      const jump = (): void => this.#turnTo(traceback);
      parts.push(button(`first traceback at ${grouped(traceback)}`, { class: 'link', click: jump }));
    }
    if (log.dropped > 0) {
      parts.push(`${size(log.dropped)} left out of the middle`);
    }
    if (this.#newest > 1) {
      parts.push(this.#attempts(log.attempt));
    }
    if (!this.#told.contains(document.activeElement)) {
      this.#told.replaceChildren(...parts.flatMap((each, at) => (at === 0 ? [each] : [' · ', each])));
    }
  }

  #attempts(shown: number): HTMLElement {
    const made = element('select', { attributes: { 'aria-label': 'Attempt' } });
    for (let number = this.#newest; number > 0; number--) {
      made.append(new Option(`attempt ${number}`, String(number), false, number === shown));
    }
    made.addEventListener('change', () => {
      const chosen = Number(made.value);
      made.blur();
      if (this.#node !== null) {
        this.#open(this.#node, chosen === this.#newest ? 0 : chosen);
      }
    });
    return made;
  }

  #row(number: number): HTMLElement {
    const line = this.#pages.line(number);
    this.#list.widen(Math.min(2000, line?.text.length ?? 0) + 16);
    return logRow(number, line, {
      sought: this.#find.text,
      current: number === this.#find.current,
      way: (file, at) => this.#way(file, at)
    });
  }

  #way(file: string, line: number): (() => void) | null {
    const node = this.#node;
    const ours = node !== null && node.script !== '' && nameOf(file) === nameOf(node.script);
    return ours && this.#linked ? () => go(this.context.root, node, line) : null;
  }

  #turnTo(number: number): void {
    this.#setFollowing(false);
    if (!this.#list.shows(number - 1)) {
      this.#list.goTo(number - 1);
    }
    this.#list.renew();
  }

  #setFollowing(on: boolean): void {
    this.#following = on;
    this.#follow.setAttribute('aria-pressed', String(on));
    if (on) {
      this.#list.goToEnd();
    }
  }

  #keyed(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
      event.preventDefault();
      event.stopPropagation();
      this.#find.open();
    }
  }

  #fail(error: unknown): void {
    this.#trouble.replaceChildren(trouble(error));
  }
}

function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

// The inspector's tabs, as ARIA wants them: one is in the tab order, arrow keys go on.

import type { Tab } from '../context';
import { button, element } from '../elements';

export const TABS: Readonly<Record<Tab, string>> = {
  why: 'Why',
  logs: 'Logs',
  data: 'Data',
  metrics: 'Metrics',
  history: 'History',
  script: 'Script'
};

const NAMES = Object.keys(TABS) as Tab[];

export class Tabs {
  readonly element: HTMLElement;
  readonly #buttons = new Map<Tab, HTMLButtonElement>();

  /** @param prefix makes ids unique in the page; `chosen` hears of the user's choice. */
  constructor(
    private readonly prefix: string,
    private readonly panel: HTMLElement,
    private readonly chosen: (tab: Tab) => void
  ) {
    panel.id = `${prefix}-panel`;
    panel.setAttribute('role', 'tabpanel');
    this.element = element('div', { class: 'tabs', attributes: { role: 'tablist', 'aria-label': 'About this step' } });
    for (const name of NAMES) {
      const id = `${prefix}-${name}`;
      const attributes = { role: 'tab', id, 'aria-controls': panel.id, 'data-label': TABS[name] };
      const made = button(TABS[name], { class: 'tab', attributes, click: () => chosen(name) });
      this.#buttons.set(name, made);
      this.element.append(made);
    }
    this.element.addEventListener('keydown', event => this.#keyed(event));
  }

  select(tab: Tab): void {
    for (const [name, made] of this.#buttons) {
      made.setAttribute('aria-selected', String(name === tab));
      made.tabIndex = name === tab ? 0 : -1;
    }
    this.panel.setAttribute('aria-labelledby', `${this.prefix}-${tab}`);
  }

  #keyed(event: KeyboardEvent): void {
    const at = NAMES.findIndex(name => this.#buttons.get(name) === event.target);
    const places: Record<string, number> = {
      ArrowRight: (at + 1) % NAMES.length,
      ArrowLeft: (at + NAMES.length - 1) % NAMES.length,
      Home: 0,
      End: NAMES.length - 1
    };
    const name = NAMES[places[event.key] ?? -1];
    if (at >= 0 && name !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this.chosen(name);
      this.#buttons.get(name)?.focus();
    }
  }
}

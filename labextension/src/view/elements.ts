// Elements made from values: texts become text nodes, never markup.

export type Child = Node | string | null | undefined | false;

export interface Wish {
  /** Classes, each without its `nbpipe-`. */
  class?: string;
  title?: string;
  attributes?: Readonly<Record<string, string>>;
  click?: (event: MouseEvent) => void;
}

const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  wish: Wish = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (wish.title) {
    made.title = wish.title;
  }
  dress(made, wish);
  append(made, children);
  return made;
}

/** A button that submits nothing. */
export function button(label: Child, wish: Wish, ...children: Child[]): HTMLButtonElement {
  const made = element('button', wish, label, ...children);
  made.type = 'button';
  return made;
}

/** An SVG element. */
export function drawn<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, String(value));
  }
  append(made, children);
  return made;
}

function dress(made: HTMLElement, wish: Wish): void {
  if (wish.class) {
    made.className = wish.class.split(' ').map(each => `nbpipe-${each}`).join(' ');
  }
  for (const [name, value] of Object.entries(wish.attributes ?? {})) {
    made.setAttribute(name, value);
  }
  if (wish.click) {
    const click = wish.click;
    made.addEventListener('click', event => click(event as MouseEvent));
  }
}

function append(made: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child) {
      made.append(child); // a string becomes a text node
    }
  }
}

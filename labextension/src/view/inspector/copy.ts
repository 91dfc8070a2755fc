// A button that copies a text, and says that it did.

import { button } from '../elements';

const SAID = 1500; // milliseconds that "Copied" stands

/** A button that copies what `text` gives when it is pressed. */
export function copyButton(label: string, text: () => string, title = ''): HTMLButtonElement {
  const made = button(label, {
    class: 'copy',
    title,
    attributes: { 'aria-live': 'polite' },
    click: () => void press(made, label, text())
  });
  return made;
}

async function press(made: HTMLButtonElement, label: string, text: string): Promise<void> {
  made.textContent = (await copied(text, made)) ? 'Copied' : 'Not copied';
  window.setTimeout(() => (made.textContent = label), SAID);
}

/** Put a text on the clipboard; false where the page may not. */
export async function copied(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text, near); // a page without https may have nothing better
  }
}

function copiedBySelection(text: string, near: HTMLElement): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'nbpipe-aside';
  near.after(area);
  area.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- all there is without https
  const done = document.execCommand('copy');
  area.remove();
  near.focus();
  return done;
}

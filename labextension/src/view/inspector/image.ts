// A picture that the kernel made a data URL of; any other address is not shown.

import { element } from '../elements';

const SAFE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

export function image(address: string, name: string): HTMLElement {
  if (!SAFE.test(address)) {
    return element('p', { class: 'quiet' }, 'No picture that can be shown.');
  }
  const made = element('img', { class: 'image', attributes: { alt: name } });
  made.decoding = 'async'; // a large one is unpacked off the page's main thread
  made.src = address;
  return element('div', { class: 'scroll', attributes: { tabindex: '0' } }, made);
}

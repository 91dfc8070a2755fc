// Light or dark by the luminance of the host's ground, so that themes nobody knows work too.

import { DARK, LIGHT } from '../protocol';

/** The host's colours that the view takes over where they exist. */
const TAKEN: Readonly<Record<string, string>> = {
  canvas: '--jp-layout-color0',
  node: '--jp-layout-color1',
  bar: '--jp-layout-color1',
  fg: '--jp-ui-font-color1',
  fg2: '--jp-ui-font-color2',
  line: '--jp-border-color2'
};
const GROUNDS = ['--jp-layout-color1', '--vscode-editor-background'];
/** Tokens of the view alone: ground of its bars, and text on a button in the hue of running. */
const OWN = {
  light: { bar: '#FFFFFF', 'on-run': '#FFFFFF' },
  dark: { bar: '#1B1F25', 'on-run': '#15181D' }
};

/**
 * Set the tokens `--nbpipe-*` on an element, now and whenever the host's theme changes.
 *
 * @param changed called after each change
 * @returns what ends it
 */
export function followTheme(root: HTMLElement, changed: () => void): () => void {
  const preference = matchMedia('(prefers-color-scheme: dark)');
  const set = (): void => {
    paint(root, preference.matches);
    changed();
  };
  const observer = new MutationObserver(set);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ['class', 'data-jp-theme-name', 'data-jp-theme-light']
  });
  preference.addEventListener('change', set);
  paint(root, preference.matches);
  return () => {
    observer.disconnect();
    preference.removeEventListener('change', set);
  };
}

function paint(root: HTMLElement, darkIsPreferred: boolean): void {
  const style = getComputedStyle(root);
  const ground = GROUNDS.map(each => style.getPropertyValue(each).trim()).find(each => each !== '');
  const dark = ground === undefined ? darkIsPreferred : luminance(ground) < 0.5;
  const tokens = dark ? { ...DARK, ...OWN.dark } : { ...LIGHT, ...OWN.light };
  for (const [name, colour] of Object.entries(tokens)) {
    const taken = TAKEN[name];
    root.style.setProperty(`--nbpipe-${name}`, taken ? `var(${taken}, ${colour})` : colour);
  }
  root.dataset['theme'] = dark ? 'dark' : 'light';
}

/** How light a CSS colour is, from 0 to 1; one that cannot be read counts as white. */
function luminance(colour: string): number {
  const pen = document.createElement('canvas').getContext('2d');
  if (pen === null) {
    return 1;
  }
  pen.fillStyle = '#ffffff';
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red = 255, green = 255, blue = 255] = pen.getImageData(0, 0, 1, 1).data;
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

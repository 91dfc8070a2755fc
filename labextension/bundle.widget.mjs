// Builds the widget's bundle: the view in one file, its style sheets without blanks and with their classes' prefix folded.

import { readFile } from 'node:fs/promises';
import { build, transform } from 'esbuild';

const STYLES = /`\n[^`$]*`/g; // a style sheet is a template without placeholders that begins with a line end

const squeeze = async css => {
  const { code } = await transform(css.slice(1, -1), { loader: 'css', minify: true });
  if (code.includes('?')) {
    throw new Error('A style sheet has a "?", which stands for the prefix "nbpipe-" in the bundle.');
  }
  return `${JSON.stringify(code.trim().replaceAll('nbpipe-', '?'))}.replaceAll("?", "nbpipe-")`;
};

const squeezeStyles = {
  name: 'squeeze-styles',
  setup({ onLoad }) {
    onLoad({ filter: /style\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const squeezed = await Promise.all((text.match(STYLES) ?? []).map(squeeze));
      return { contents: text.replace(STYLES, () => squeezed.shift()), loader: 'ts' };
    });
  }
};

await build({
  entryPoints: ['src/widget.ts'],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  charset: 'utf8',
  format: 'esm',
  target: 'es2022',
  plugins: [squeezeStyles]
});

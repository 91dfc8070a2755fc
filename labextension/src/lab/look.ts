// How the extension's own parts look; the tokens `--nbpipe-*` are those of the view.

const HUES = ['done', 'run', 'fail', 'maybe', 'warn', 'idle'];

const PANEL = `
.nbpipe-panel { display: flex; flex-direction: column; min-width: 260px; overflow: hidden;
  background: var(--nbpipe-canvas); color: var(--nbpipe-fg); font: 13px var(--jp-ui-font-family, sans-serif); }
.nbpipe-panel-notice:empty { display: none; }
.nbpipe-panel-notice { padding: 8px 12px; border-bottom: 1px solid var(--nbpipe-line); }
.nbpipe-panel-notice p { margin: 4px 0; }
.nbpipe-panel-view { flex: 1; min-height: 0; display: flex; flex-direction: column; overflow: hidden; }
.nbpipe-panel-view > .nbpipe-view { flex: 1; min-height: 0; overflow: auto; }
.nbpipe-gone > .nbpipe-view { opacity: 0.6; }
.nbpipe-button { font: inherit; font-weight: 600; color: var(--nbpipe-run); background: none; cursor: pointer;
  border: 1px solid var(--nbpipe-run); border-radius: 8px; padding: 4px 12px; margin: 4px 0; }
.nbpipe-output > img { max-width: 100%; }
`;

const RUNS = `
.nbpipe-runs { flex: none; max-height: 40%; overflow: auto; border-top: 1px solid var(--nbpipe-line); }
.nbpipe-runs > summary { padding: 8px 12px; font-weight: 600; cursor: pointer; }
.nbpipe-runs-list { list-style: none; margin: 0; padding: 0 0 8px; }
.nbpipe-runs-list button { display: flex; gap: 8px; align-items: center; width: 100%; padding: 4px 12px; border: 0;
  font: inherit; font-size: 12px; color: inherit; text-align: left; background: none; cursor: pointer; }
.nbpipe-runs-list button:hover, .nbpipe-runs-list button[aria-current="true"] { background: var(--nbpipe-run-tint); }
.nbpipe-runs-name { font-weight: 600; white-space: nowrap; }
.nbpipe-runs-text { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbpipe-runs-text, .nbpipe-runs-time { color: var(--nbpipe-fg2); }
.nbpipe-runs-time { white-space: nowrap; }
`;

const BADGE = `
.nbpipe-badge-line { padding: 4px 0 0 calc(var(--jp-cell-prompt-width, 64px) + var(--jp-cell-collapser-width, 8px)); }
.nbpipe-badge { display: inline-flex; gap: 6px; align-items: center; box-sizing: border-box; height: 24px;
  max-width: 100%; padding: 0 10px 0 8px; border: 0; border-radius: 12px; cursor: pointer;
  font: 600 11px var(--jp-ui-font-family, sans-serif); font-variant-numeric: tabular-nums; }
.nbpipe-badge-text { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbpipe-badge[data-hue="idle"] { color: var(--nbpipe-fg2); }
.nbpipe-badge > svg { flex: none; }
.nbpipe-badge:focus-visible { outline: 2px solid var(--nbpipe-run); outline-offset: 1px; }
`;

const EDITOR = `
.nbpipe-magic { color: var(--nbpipe-maybe); }
.nbpipe-script { color: var(--nbpipe-fg); font-weight: 600; }
.nbpipe-option { color: var(--nbpipe-fg2); }
.nbpipe-reads, .nbpipe-file { color: var(--nbpipe-done); }
.nbpipe-takes { color: var(--nbpipe-warn); }
.nbpipe-writes { color: var(--nbpipe-run); }
.nbpipe-magic *, .nbpipe-script *, .nbpipe-option *, .nbpipe-reads *, .nbpipe-file *, .nbpipe-takes *,
.nbpipe-writes *, .nbpipe-unknown * { color: inherit; }
.nbpipe-unknown { text-decoration: underline wavy var(--nbpipe-fail); text-underline-offset: 3px; }
.nbpipe-source { cursor: text; }
`;

const DIALOG = `
.nbpipe-make { display: flex; flex-direction: column; gap: 8px; min-width: 480px; }
.nbpipe-make label { display: flex; flex-direction: column; gap: 4px; }
.nbpipe-make pre { margin: 0; padding: 8px; max-height: 320px; overflow: auto; white-space: pre;
  border: 1px solid var(--jp-border-color2); background: var(--jp-cell-editor-background);
  font: var(--jp-code-font-size) var(--jp-code-font-family); }
.nbpipe-status { display: inline-flex; gap: 6px; align-items: center; cursor: pointer; }
`;

const hues = HUES.map(
  hue => `.nbpipe-badge[data-hue="${hue}"] { background: var(--nbpipe-${hue}-tint); color: var(--nbpipe-${hue}); }`
).join('\n');

/** Put the rules into the page, once. */
export function dressPage(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync([PANEL, RUNS, hues, BADGE, EDITOR, DIALOG].join('\n'));
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

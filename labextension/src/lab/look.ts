// How the extension's own parts look; the tokens `--nbpipe-*` are those of the view.

const HUES = ['done', 'run', 'fail', 'maybe', 'warn', 'idle'];

const PANEL = `
.nbpipe-panel { display: flex; flex-direction: column; overflow: hidden;
  background: var(--nbpipe-canvas); color: var(--nbpipe-fg); font: 13px var(--jp-ui-font-family, sans-serif); }
#nbpipe-panel.nbpipe-panel.lm-Widget { min-width: 340px; }
.nbpipe-lab-panel-notice:empty { display: none; }
.nbpipe-lab-panel-notice { padding: 8px 12px; border-bottom: 1px solid var(--nbpipe-line); }
.nbpipe-lab-panel-notice p { margin: 4px 0; }
.nbpipe-lab-panel-view { flex: 1; min-height: 0; display: flex; flex-direction: column; overflow: hidden; }
.nbpipe-lab-panel-view > .nbpipe-view { flex: 1; min-height: 0; overflow: auto; }
.nbpipe-gone > .nbpipe-view { opacity: 0.6; }
.nbpipe-lab-button { font: inherit; font-weight: 600; color: var(--nbpipe-run); background: none; cursor: pointer;
  border: 1px solid var(--nbpipe-run); border-radius: 8px; padding: 4px 12px; margin: 4px 0; }
.nbpipe-lab-output > img { max-width: 100%; }
`;

const RUNS = `
.nbpipe-lab-runs { flex: none; max-height: 40%; overflow: auto; border-top: 1px solid var(--nbpipe-line); }
.nbpipe-lab-runs > summary { padding: 8px 12px; font-weight: 600; cursor: pointer; }
.nbpipe-lab-runs-list { list-style: none; margin: 0; padding: 0 0 8px; }
.nbpipe-lab-runs-list button {
  display: flex; gap: 8px; align-items: center; width: 100%; padding: 4px 12px; border: 0;
  font: inherit; font-size: 12px; color: inherit; text-align: left; background: none; cursor: pointer; }
.nbpipe-lab-runs-list :is(button:hover, button[aria-current="true"]) { background: var(--nbpipe-run-tint); }
.nbpipe-lab-runs-name { font-weight: 600; white-space: nowrap; }
.nbpipe-lab-runs-text { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbpipe-lab-runs-text, .nbpipe-lab-runs-time { color: var(--nbpipe-fg2); }
.nbpipe-lab-runs-time { white-space: nowrap; }
`;

const BADGE = `
.nbpipe-lab-badge-line {
  padding: 4px 0 0 calc(var(--jp-cell-prompt-width, 64px) + var(--jp-cell-collapser-width, 8px)); }
.nbpipe-lab-badge-line > .nbpipe-lab-badge {
  display: inline-flex; gap: 6px; align-items: center; box-sizing: border-box; height: 24px; max-width: 100%;
  padding: 0 10px 0 8px; border: 0; border-radius: 12px; cursor: pointer;
  font: 600 11px var(--jp-ui-font-family, sans-serif); font-variant-numeric: tabular-nums; }
.nbpipe-lab-badge-text { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbpipe-lab-badge-line > [data-hue="idle"] { color: var(--nbpipe-fg2); }
.nbpipe-lab-badge .nbpipe-glyph, .nbpipe-lab-runs .nbpipe-glyph { flex: none; fill: none; stroke: currentColor;
  stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.nbpipe-lab-runs .nbp-cut { stroke: var(--nbpipe-canvas); }
.nbpipe-lab-badge:focus-visible { outline: 2px solid var(--nbpipe-run); outline-offset: 1px; }
`;

const EDITOR = `
.nbpipe-lab-magic { color: var(--nbpipe-maybe); }
.nbpipe-lab-script { color: var(--nbpipe-fg); font-weight: 600; }
.nbpipe-lab-option { color: var(--nbpipe-fg2); }
.nbpipe-lab-reads, .nbpipe-lab-file { color: var(--nbpipe-done); }
.nbpipe-lab-takes { color: var(--nbpipe-warn); }
.nbpipe-lab-writes { color: var(--nbpipe-run); }
:is(.nbpipe-lab-magic, .nbpipe-lab-script, .nbpipe-lab-option, .nbpipe-lab-reads, .nbpipe-lab-file, .nbpipe-lab-takes,
.nbpipe-lab-writes, .nbpipe-lab-unknown) * { color: inherit; }
.nbpipe-lab-unknown { text-decoration: underline wavy var(--nbpipe-fail); text-underline-offset: 3px; }
`;

const DIALOG = `
.nbpipe-lab-make { display: flex; flex-direction: column; gap: 8px; min-width: 480px; }
.nbpipe-lab-make label { display: flex; flex-direction: column; gap: 4px; }
.nbpipe-lab-make pre { margin: 0; padding: 8px; max-height: 320px; overflow: auto; white-space: pre;
  border: 1px solid var(--jp-border-color2); background: var(--jp-cell-editor-background);
  font: var(--jp-code-font-size) var(--jp-code-font-family); }
.nbpipe-lab-status { height: 100%; padding: 0 4px; border: 0; background: none; color: inherit; font: inherit;
  cursor: pointer; }
`;

const hues = HUES.map(
  hue => `.nbpipe-lab-badge-line > [data-hue="${hue}"] {
  background: var(--nbpipe-${hue}-tint); color: var(--nbpipe-${hue}); }
.nbpipe-lab-badge[data-hue="${hue}"] .nbp-cut { stroke: var(--nbpipe-${hue}-tint); }
.nbpipe-lab-runs .nbpipe-hue-${hue} { color: var(--nbpipe-${hue}); }`
).join('\n');

/** Put the rules into the page, once. */
export function dressPage(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync([PANEL, RUNS, hues, BADGE, EDITOR, DIALOG].join('\n'));
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

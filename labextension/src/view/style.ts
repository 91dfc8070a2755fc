// How a view looks. The rules are adopted by the document, or shadow root, that the view stands in.

import { GRAPH_STYLE } from './graph/style';
import { INSPECTOR_STYLE } from './inspector/style';

const HUES = ['done', 'run', 'fail', 'maybe', 'warn', 'idle'];

const VIEW_STYLE = `
.nbpipe-view {
  container: nbpipe / inline-size;
  display: flex; flex-direction: column; box-sizing: border-box; position: relative; min-width: 0;
  overflow: hidden; color: var(--nbpipe-fg); background: var(--nbpipe-canvas);
  font: 13px/1.4 var(--nbpipe-sans); -webkit-text-size-adjust: none;
  --nbpipe-sans: var(--jp-ui-font-family, system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif);
  --nbpipe-mono: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace);
}
.nbpipe-view[data-theme=dark] { color-scheme: dark; }
.nbpipe-view[data-theme=light] { color-scheme: light; }
.nbpipe-view[data-hosted=cell] { border: 1px solid var(--nbpipe-line); border-radius: 10px; }
.nbpipe-view[data-hosted=panel] { height: 100%; }
.nbpipe-view [hidden] { display: none !important; }
.nbpipe-view > .nbpipe-aside {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.nbpipe-toolbar {
  display: flex; align-items: center; gap: 8px 20px; flex: none; min-height: 48px; box-sizing: border-box;
  padding: 7px 12px 7px 18px; background: var(--nbpipe-bar); border-bottom: 1px solid var(--nbpipe-line);
}
.nbpipe-titles { display: flex; align-items: baseline; gap: 10px; flex: 0 1 auto; min-width: 0; }
.nbpipe-pipeline-name {
  font-size: 15px; font-weight: 600; unicode-bidi: isolate;
  max-width: 240px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
.nbpipe-run-time { color: var(--nbpipe-fg2); white-space: nowrap; font-variant-numeric: tabular-nums; }
.nbpipe-run-time:empty { display: none; }
.nbpipe-progress {
  display: flex; align-items: center; gap: 12px; flex: 1 1 160px; min-width: 0; justify-content: center;
}
.nbpipe-segments { display: flex; gap: 3px; flex: 0 1 230px; min-width: 60px; }
.nbpipe-segments:empty { display: none; }
.nbpipe-segment {
  flex: 1 1 0; min-width: 2px; height: 6px; border-radius: 3px; overflow: hidden; position: relative;
}
.nbpipe-segment::before { content: ''; position: absolute; inset: 0; background: currentColor; opacity: .34; }
.nbpipe-segment-solid::before { opacity: 1; }
.nbpipe-segment-part {
  position: absolute; inset: 0; background: currentColor; border-radius: 3px; transform-origin: 0 0;
  transition: transform 250ms ease-out;
}
.nbpipe-summary {
  color: var(--nbpipe-fg2); font-size: 12px; min-width: 0;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-variant-numeric: tabular-nums;
}
.nbpipe-summary:empty { display: none; }
.nbpipe-buttons { display: flex; gap: 6px; flex: none; }
.nbpipe-view .nbpipe-button, .nbpipe-empty .nbpipe-copy {
  display: inline-flex; align-items: center; gap: 7px; box-sizing: border-box; height: 32px; padding: 0 12px;
  margin: 0;
  font: inherit; color: var(--nbpipe-fg); background: var(--nbpipe-node); border: 1px solid var(--nbpipe-line);
  border-radius: 6px; cursor: pointer; white-space: nowrap;
}
.nbpipe-view :is(.nbpipe-button, .nbpipe-copy):hover:enabled { border-color: var(--nbpipe-edge); }
.nbpipe-view .nbpipe-button-main {
  font-weight: 600; color: var(--nbpipe-on-run); background: var(--nbpipe-run); border-color: var(--nbpipe-run);
}
.nbpipe-view .nbpipe-button-main:hover:enabled { border-color: var(--nbpipe-fg); }
.nbpipe-view .nbpipe-button:disabled {
  cursor: default; color: var(--nbpipe-fg2); background: var(--nbpipe-canvas); border-color: var(--nbpipe-line);
}
.nbpipe-view .nbpipe-button-sign { width: 32px; padding: 0; justify-content: center; color: var(--nbpipe-fg2); }
.nbpipe-view .nbpipe-button-sign[aria-pressed=true] { color: var(--nbpipe-run); border-color: var(--nbpipe-run); }
.nbpipe-view :is(button, .nbpipe-handle, pre, input):focus-visible {
  outline: 2px solid var(--nbpipe-run); outline-offset: 1px;
}
.nbpipe-icon { flex: none; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; }
.nbpipe-icon-line { stroke-linecap: round; }
.nbpipe-icon-solid { fill: currentColor; stroke: none; width: 11px; height: 11px; }
.nbpipe-icon-dots { stroke-width: 2.6; stroke-linecap: round; }
.nbpipe-chips { display: flex; align-items: center; flex: none; gap: 8px; padding: 10px 18px 0; }
.nbpipe-legend { display: flex; flex-wrap: wrap; gap: 6px 8px; min-width: 0; }
.nbpipe-view .nbpipe-status-chip {
  display: inline-flex; align-items: center; gap: 6px; height: 24px; padding: 0 10px 0 8px;
  box-sizing: border-box; margin: 0;
  font: inherit; font-size: 12px; color: var(--nbpipe-fg); background: var(--nbpipe-tint, var(--nbpipe-node));
  border: 1px solid transparent; border-radius: 12px; cursor: pointer; white-space: nowrap;
}
.nbpipe-view .nbpipe-status-chip:hover { border-color: var(--nbpipe-edge); }
.nbpipe-view .nbpipe-status-chip[aria-pressed=true] {
  border-color: var(--nbpipe-hue); box-shadow: 0 0 0 1px var(--nbpipe-hue);
}
.nbpipe-saved {
  margin-left: auto; flex: none; font-size: 12px; font-weight: 600; color: var(--nbpipe-done);
  font-variant-numeric: tabular-nums;
}
.nbpipe-bar {
  display: flex; align-items: flex-start; gap: 6px 12px; flex-wrap: wrap; flex: none; padding: 8px 18px;
  font-size: 12.5px;
  border-bottom: 1px solid var(--nbpipe-line); background: var(--nbpipe-tint);
  box-shadow: inset 3px 0 var(--nbpipe-hue);
}
.nbpipe-bars { flex: none; max-height: 40%; overflow: auto; }
.nbpipe-bar-text { flex: 1 1 240px; min-width: 0; overflow-wrap: anywhere; white-space: pre-line; padding: 3px 0; }
.nbpipe-bar-text strong { font-weight: 600; }
.nbpipe-bar-place { color: var(--nbpipe-fg2); }
.nbpipe-bar-buttons { display: flex; gap: 8px; flex-wrap: wrap; }
.nbpipe-bar-buttons:empty { display: none; }
.nbpipe-view .nbpipe-bar-buttons .nbpipe-button { height: 26px; }
.nbpipe-view .nbpipe-bar-away {
  display: inline-flex; padding: 4px; margin: 0; border: 0; background: none; color: inherit; cursor: pointer;
}
.nbpipe-pane-frame {
  display: flex; flex-direction: column; flex: none; position: relative; min-height: 0; max-height: 80%;
}
[data-hosted=cell] > .nbpipe-pane-frame { max-height: none; }
.nbpipe-pane-frame > .nbpipe-inspector { flex: 1 1 0; }
.nbpipe-handle {
  position: absolute; inset: -4px 0 auto; height: 8px; cursor: row-resize; z-index: 3; touch-action: none;
}
.nbpipe-handle:is(:hover, :focus-visible)::before {
  content: ''; position: absolute; inset: 3px 0 auto; height: 2px; background: var(--nbpipe-run);
}
.nbpipe-view .nbpipe-handle:focus-visible { outline: none; }
@container nbpipe (max-width: 760px) {
  .nbpipe-toolbar { flex-wrap: wrap; }
  .nbpipe-titles { flex: 1 1 auto; }
  .nbpipe-progress { order: 3; flex-basis: 100%; justify-content: flex-start; }
}
@container nbpipe (max-width: 480px) {
  .nbpipe-buttons { flex-wrap: wrap; flex-shrink: 1; }
  .nbpipe-chips { flex-wrap: wrap; padding-inline: 12px; }
  .nbpipe-toolbar { padding-inline: 12px; }
  .nbpipe-titles { flex-basis: 100%; }
}
`;

const HUE_STYLE = HUES.map(
  hue => `.nbpipe-view .nbpipe-hue-${hue} { color: var(--nbpipe-${hue}); }
.nbpipe-tint-${hue} { --nbpipe-tint: var(--nbpipe-${hue}-tint); --nbpipe-hue: var(--nbpipe-${hue}); }
`
).join('');

const adopted = new WeakSet<Document | ShadowRoot>();

/** Give the document or shadow root around an element the rules, once. */
export function adoptStyle(near: HTMLElement): void {
  const root = near.getRootNode();
  const place = root instanceof ShadowRoot ? root : document;
  if (!adopted.has(place)) {
    adopted.add(place);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(HUE_STYLE + VIEW_STYLE + GRAPH_STYLE + INSPECTOR_STYLE);
    place.adoptedStyleSheets = [...place.adoptedStyleSheets, sheet];
  }
}

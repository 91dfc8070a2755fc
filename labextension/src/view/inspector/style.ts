// How the inspector looks; view/style.ts takes it into the view's one style sheet.

export const INSPECTOR_STYLE = `
.nbpipe-inspector {
  --nbpipe-ink-light: 0.46; --nbpipe-ink-ground: 0.93;
  display: flex; flex-direction: column; min-height: 0; box-sizing: border-box;
  color: var(--nbpipe-fg); background: var(--nbpipe-bar);
  border-top: 1px solid var(--nbpipe-line);
  font-size: 13px; line-height: 1.45; container-type: inline-size;
&[hidden], [hidden] { display: none; }
*, *::before { box-sizing: border-box; }
:where(h3, h4, p, dl, dd, ul, figure, pre) { margin: 0; padding: 0; }
:where(ul) { list-style: none; }
:where(button, input, select) { font: inherit; color: inherit; letter-spacing: inherit; }
:where(button) {
  border: 0; background: none; padding: 0; margin: 0; cursor: pointer; text-align: start;
}
button:disabled { cursor: default; color: var(--nbpipe-fg2); }
:focus-visible { outline: 2px solid var(--nbpipe-run); outline-offset: -2px; }
:is(code, .nbpipe-mono) { font-family: var(--nbpipe-mono); font-size: 12px; }
.nbpipe-quiet { color: var(--nbpipe-fg2); }
.nbpipe-link { color: var(--nbpipe-run); }
.nbpipe-link:hover { text-decoration: underline; }
.nbpipe-box {
  border: 1px solid var(--nbpipe-line); border-radius: 8px; background: var(--nbpipe-canvas); overflow: hidden;
}
.nbpipe-scroll { overflow: auto; min-height: 0; }
.nbpipe-waiting { padding: 8px; animation: nbpipe-late 0.4s step-end; }
.nbpipe-aside { position: fixed; opacity: 0; pointer-events: none; }

.nbpipe-inspector-head {
  display: flex; align-items: center; flex-wrap: wrap; column-gap: 10px; flex: none;
  min-height: 44px; padding: 0 12px 0 20px; border-bottom: 1px solid var(--nbpipe-line);
}
.nbpipe-glyph {
  flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round;
}
.nbpipe-glyph .nbp-cut { stroke: var(--nbpipe-bar); }
:is(
  .nbpipe-hue-done, .nbpipe-hue-run, .nbpipe-hue-fail, .nbpipe-hue-maybe, .nbpipe-hue-warn, .nbpipe-hue-idle
) { color: var(--nbpipe-hue); }
.nbpipe-hue-done { --nbpipe-hue: var(--nbpipe-done); }
.nbpipe-hue-run { --nbpipe-hue: var(--nbpipe-run); }
.nbpipe-hue-fail { --nbpipe-hue: var(--nbpipe-fail); }
.nbpipe-hue-maybe { --nbpipe-hue: var(--nbpipe-maybe); }
.nbpipe-hue-warn { --nbpipe-hue: var(--nbpipe-warn); }
.nbpipe-hue-idle { --nbpipe-hue: var(--nbpipe-idle); }
.nbpipe-inspector-name {
  font-size: 15px; font-weight: 600; max-width: 40%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
.nbpipe-inspector-line {
  flex: 1 1 120px; min-width: 0; color: var(--nbpipe-fg2); font-variant-numeric: tabular-nums;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate;
}
.nbpipe-tabs { display: flex; align-self: stretch; margin-left: auto; overflow-x: auto; }
.nbpipe-tab {
  padding: 0 16px; min-height: 43px; color: var(--nbpipe-fg2); border-bottom: 2px solid transparent;
  white-space: nowrap;
}
.nbpipe-tab::after { /* as wide as when it is bold, so that its neighbours stay */
  content: attr(data-label); display: block; height: 0; visibility: hidden; overflow: hidden; font-weight: 600;
}
.nbpipe-tab:hover { color: var(--nbpipe-fg); }
.nbpipe-tab[aria-selected='true'] {
  color: var(--nbpipe-fg); font-weight: 600; border-bottom-color: var(--nbpipe-run);
}
.nbpipe-inspector-close {
  color: var(--nbpipe-fg2); font-size: 18px; line-height: 1; padding: 6px 8px; border-radius: 6px;
}
.nbpipe-inspector-close:hover { color: var(--nbpipe-fg); background: var(--nbpipe-idle-tint); }

.nbpipe-inspector-panel { flex: 1 1 auto; min-height: 0; display: flex; }
.nbpipe-pane {
  flex: 1 1 auto; min-width: 0; min-height: 0; padding: 14px 20px; display: flex; flex-direction: column;
  overflow: auto; container-type: inline-size;
}

.nbpipe-press {
  padding: 4px 12px; border: 1px solid var(--nbpipe-line); border-radius: 6px; background: var(--nbpipe-node);
  white-space: nowrap;
}
.nbpipe-press:hover { border-color: var(--nbpipe-edge); }
.nbpipe-press-primary {
  background: var(--nbpipe-run); border-color: var(--nbpipe-run); color: var(--nbpipe-on-run); font-weight: 600;
}
.nbpipe-presses { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.nbpipe-copy {
  padding: 1px 8px; border: 1px solid var(--nbpipe-line); border-radius: 6px; background: var(--nbpipe-node);
  font-size: 12px; color: var(--nbpipe-fg2); white-space: nowrap;
}
.nbpipe-copy:hover { color: var(--nbpipe-fg); border-color: var(--nbpipe-edge); }

.nbpipe-trouble, .nbpipe-failure { border-left: 4px solid var(--nbpipe-fail); }
.nbpipe-trouble { padding: 6px 12px; margin: 8px; display: grid; gap: 4px; }
.nbpipe-trouble-fact { font-weight: 600; overflow-wrap: anywhere; }
.nbpipe-remedy { position: relative; }
.nbpipe-remedy pre {
  font-family: var(--nbpipe-mono); font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere;
  padding: 6px 60px 6px 10px; border-radius: 6px; background: var(--nbpipe-node);
  border: 1px solid var(--nbpipe-line);
  max-height: 120px; overflow: auto;
}
.nbpipe-remedy > .nbpipe-copy { position: absolute; top: 5px; right: 6px; }

/* Lists of which only the visible rows are there */
.nbpipe-rows {
  position: relative; overflow: auto; flex: 1 1 auto; min-height: 60px; overscroll-behavior: contain;
  overflow-anchor: none;
}
.nbpipe-rows-layer { position: sticky; top: 0; overflow-y: clip; font-family: var(--nbpipe-mono); font-size: 12px; }
.nbpipe-rows-spacer { width: 1px; }
.nbpipe-row {
  position: absolute; top: 0; left: 0; height: 20px; line-height: 20px; min-width: 100%; width: max-content;
  white-space: pre; unicode-bidi: isolate; direction: ltr; contain: layout style;
}
.nbpipe-row-number {
  display: inline-block; min-width: 5ch; padding: 0 2ch 0 1ch; text-align: right; color: var(--nbpipe-fg2);
  font-family: inherit; font-size: inherit; line-height: inherit; user-select: none;
  font-variant-numeric: tabular-nums;
}
button.nbpipe-row-number:hover { color: var(--nbpipe-run); text-decoration: underline; }
.nbpipe-row-text { unicode-bidi: isolate; }
.nbpipe-row-text.nbpipe-link {
  font-family: inherit; font-size: inherit; line-height: inherit; white-space: pre; text-decoration: underline;
}
.nbpipe-row-current { background: var(--nbpipe-run-tint); }
.nbpipe-row-changed { background: var(--nbpipe-done-tint); box-shadow: inset 3px 0 var(--nbpipe-done); }
.nbpipe-row-failed { background: var(--nbpipe-fail-tint); box-shadow: inset 3px 0 var(--nbpipe-fail); }
.nbpipe-cut { color: var(--nbpipe-warn); }

.nbpipe-logs { display: flex; gap: 18px; flex: 1 1 auto; min-height: 0; }
.nbpipe-beside { flex: 0 1 40%; min-width: 0; display: flex; }
.nbpipe-failure { flex: 1 1 auto; min-width: 0; display: flex; flex-direction: column; }
.nbpipe-failure-told { flex: 0 1 auto; min-height: 0; overflow: auto; padding: 10px 18px 6px; display: grid; gap: 6px; }
.nbpipe-failure h4 { font-size: 15px; font-weight: 600; overflow-wrap: anywhere; }
.nbpipe-failure p { overflow-wrap: anywhere; unicode-bidi: isolate; }
.nbpipe-failure .nbpipe-presses { flex: none; padding: 6px 18px 12px; }
.nbpipe-log { flex: 1 1 60%; min-width: 0; display: flex; flex-direction: column; min-height: 120px; }
.nbpipe-log .nbpipe-waiting { display: none; }
.nbpipe-log-error { box-shadow: inset 3px 0 var(--nbpipe-fail); }
.nbpipe-log-raised { background: var(--nbpipe-fail-tint); }
.nbpipe-log-raised .nbpipe-row-text { color: var(--nbpipe-fail); font-weight: 600; }
.nbpipe-log-foot {
  flex: none; display: flex; flex-wrap: wrap; gap: 4px 16px; justify-content: space-between; align-items: center;
  min-height: 32px; padding: 4px 16px; border-top: 1px solid var(--nbpipe-line); color: var(--nbpipe-fg2);
  font-variant-numeric: tabular-nums;
}
.nbpipe-log-buttons { display: flex; gap: 18px; font-weight: 600; }
.nbpipe-log-foot .nbpipe-link[aria-pressed='true'] {
  text-decoration: underline; text-underline-offset: 4px; text-decoration-thickness: 2px;
}
.nbpipe-log-foot select { border: 1px solid var(--nbpipe-line); border-radius: 4px; background: var(--nbpipe-node); }
.nbpipe-find {
  display: flex; align-items: center; gap: 6px; padding: 6px 10px; border-bottom: 1px solid var(--nbpipe-line);
  flex: none;
}
.nbpipe-find input {
  flex: 0 1 260px; min-width: 80px; padding: 2px 8px; border: 1px solid var(--nbpipe-line); border-radius: 6px;
  background: var(--nbpipe-node);
}
.nbpipe-find button { padding: 2px 8px; border-radius: 6px; color: var(--nbpipe-fg2); }
.nbpipe-find button:hover { background: var(--nbpipe-idle-tint); color: var(--nbpipe-fg); }
mark {
  background: var(--nbpipe-warn-tint); color: var(--nbpipe-fg); box-shadow: inset 0 -2px var(--nbpipe-warn);
}
.nbpipe-ink-bold { font-weight: 700; }
.nbpipe-ink-italic { font-style: italic; }
.nbpipe-ink-underline { text-decoration: underline; }
.nbpipe-ink-strike { text-decoration: line-through; }

.nbpipe-why { display: grid; gap: 12px 24px; align-content: start; }
.nbpipe-why-told { display: grid; gap: 6px; align-content: start; min-width: 0; overflow-wrap: anywhere; }
.nbpipe-why-first { font-size: 15px; font-weight: 600; }
.nbpipe-why p { unicode-bidi: isolate; }
.nbpipe-why-diffs { display: grid; gap: 10px; min-width: 0; }
.nbpipe-cause { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 4px 0; }
.nbpipe-chip {
  display: inline-flex; align-items: center; gap: 5px; padding: 1px 10px 1px 8px; border-radius: 12px;
  border: 1px solid var(--nbpipe-line); background: var(--nbpipe-node); max-width: 260px; overflow: hidden;
  white-space: nowrap;
}
button.nbpipe-chip:hover { border-color: var(--nbpipe-run); }
.nbpipe-key { display: flex; gap: 8px; align-items: center; }
.nbpipe-diff figcaption {
  padding: 5px 12px; font-weight: 600; border-bottom: 1px solid var(--nbpipe-line); overflow-wrap: anywhere;
}
.nbpipe-diff-lines {
  overflow: auto; max-height: 320px; font-family: var(--nbpipe-mono); font-size: 12px; padding: 4px 0;
}
.nbpipe-diff-line {
  display: flex; width: max-content; min-width: 100%; line-height: 20px; white-space: pre; padding-right: 12px;
}
.nbpipe-diff-mark { flex: none; width: 3.5ch; text-align: center; user-select: none; }
.nbpipe-diff-came { background: var(--nbpipe-done-tint); color: var(--nbpipe-done); }
.nbpipe-diff-went { background: var(--nbpipe-fail-tint); color: var(--nbpipe-fail); }
.nbpipe-diff-stayed, .nbpipe-diff-place { color: var(--nbpipe-fg2); }
.nbpipe-diff > .nbpipe-quiet { padding: 4px 12px; }
.nbpipe-receipt { min-width: 0; grid-column: 1 / -1; }
.nbpipe-receipt summary { cursor: pointer; width: fit-content; border-radius: 4px; font-weight: 600; }
.nbpipe-receipt summary .nbpipe-quiet { font-weight: 400; }
.nbpipe-receipt .nbpipe-scroll {
  margin-top: 8px; border: 1px solid var(--nbpipe-line); border-radius: 8px; max-height: 420px;
}
:is(ins, del) { text-decoration: none; border-radius: 3px; padding: 0 3px; }
ins { background: var(--nbpipe-done-tint); color: var(--nbpipe-done); }
del { background: var(--nbpipe-fail-tint); color: var(--nbpipe-fail); }

.nbpipe-table {
  border-collapse: separate; border-spacing: 0; font-size: 12px; font-variant-numeric: tabular-nums; width: auto;
  margin: 0;
}
.nbpipe-table :is(th, td) {
  padding: 2px 12px; text-align: left; border-bottom: 1px solid var(--nbpipe-line); vertical-align: top;
  max-width: 420px; overflow: hidden; text-overflow: ellipsis; unicode-bidi: isolate;
}
.nbpipe-table-data :is(th, td) { white-space: pre; line-height: 20px; }
.nbpipe-receipt td { overflow-wrap: anywhere; }
.nbpipe-receipt td:first-child { white-space: nowrap; }
.nbpipe-table th {
  position: sticky; top: 0; background: var(--nbpipe-node); font-weight: 600; z-index: 1;
}
.nbpipe-table td.nbpipe-number { text-align: right; }
.nbpipe-table thead td { position: sticky; top: 0; background: var(--nbpipe-node); }
.nbpipe-table .nbpipe-row-number { display: table-cell; }

.nbpipe-sides { display: flex; gap: 18px; flex: 1 1 auto; min-height: 0; }
.nbpipe-items { flex: 0 0 32%; min-width: 0; overflow: auto; }
.nbpipe-items h4 { font-size: 11px; font-weight: 600; color: var(--nbpipe-fg2); padding: 4px 10px; }
.nbpipe-item-list { padding-bottom: 6px; }
.nbpipe-item-list li { display: flex; align-items: center; gap: 6px; padding-right: 4px; border-radius: 6px; }
.nbpipe-item-list li:hover { background: var(--nbpipe-idle-tint); }
.nbpipe-item {
  flex: 1 1 auto; min-width: 0; padding: 5px 10px; border-radius: 6px; display: flex; align-items: center; gap: 10px;
}
.nbpipe-item > * { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 0 1 auto; }
.nbpipe-item > .nbpipe-mono { flex-shrink: 0.2; }
.nbpipe-item > :is(input, svg) { flex: none; overflow: visible; }
.nbpipe-item[aria-pressed='true'] { background: var(--nbpipe-run-tint); }
.nbpipe-item > code { margin-left: auto; }
.nbpipe-history-what { display: grid; flex: 1 1 auto; }
.nbpipe-history-what > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nbpipe-history-when { display: grid; text-align: right; font-variant-numeric: tabular-nums; flex: none; }
.nbpipe-preview { flex: 1 1 auto; min-width: 0; min-height: 0; display: flex; flex-direction: column; }
.nbpipe-preview-head {
  flex: none; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; min-height: 36px; padding: 4px 14px;
  border-bottom: 1px solid var(--nbpipe-line);
}
.nbpipe-preview-head > :last-child { margin-left: auto; }
.nbpipe-preview > p { padding: 12px 14px; }
.nbpipe-crumbs { overflow-wrap: anywhere; min-width: 0; }
.nbpipe-pager {
  display: flex; align-items: center; gap: 4px; font-variant-numeric: tabular-nums; color: var(--nbpipe-fg2);
}
.nbpipe-page { padding: 0 8px; font-size: 15px; border-radius: 6px; color: var(--nbpipe-run); }
.nbpipe-page:hover:enabled { background: var(--nbpipe-run-tint); }
.nbpipe-page:disabled { color: var(--nbpipe-edge); }
.nbpipe-entries li { display: flex; justify-content: space-between; gap: 16px; padding: 3px 14px; max-width: 560px; }
.nbpipe-image { display: block; max-width: 100%; margin: 8px; }
.nbpipe-tree { padding: 8px 14px; font-family: var(--nbpipe-mono); font-size: 12px; overflow-wrap: anywhere; }
.nbpipe-tree details > :not(summary), .nbpipe-tree .nbpipe-leaf { margin-left: 16px; display: block; }
.nbpipe-tree details > .nbpipe-leaf { margin-left: 29px; }
.nbpipe-tree summary { cursor: pointer; }
.nbpipe-tree-name { color: var(--nbpipe-maybe); }
.nbpipe-tree-text { color: var(--nbpipe-done); }
.nbpipe-tree-value { color: var(--nbpipe-run); }
.nbpipe-compared { flex: 1 1 auto; min-width: 0; overflow: auto; padding: 12px 16px; container-type: inline-size; }
.nbpipe-compared > h4 { font-size: 11px; color: var(--nbpipe-fg2); margin-bottom: 6px; }

.nbpipe-metrics {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); gap: 14px; align-items: start;
}
.nbpipe-values { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 8px 32px; }
.nbpipe-value { min-width: 90px; max-width: 320px; overflow-wrap: anywhere; }
.nbpipe-value dt { color: var(--nbpipe-fg2); font-size: 12px; }
.nbpipe-value dd { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.3; }
.nbpipe-value dd .nbpipe-quiet { font-size: 12px; font-weight: 400; margin-left: 8px; }
.nbpipe-chart-box { min-width: 0; padding: 8px 10px; }
.nbpipe-chart-box .nbpipe-scroll { max-height: 260px; }
.nbpipe-chart-box figcaption { display: flex; gap: 10px; font-weight: 600; overflow-wrap: anywhere; }
.nbpipe-chart-box figcaption .nbpipe-quiet { font-weight: 400; }
.nbpipe-chart-said {
  margin-left: auto; color: var(--nbpipe-run); font-weight: 400; font-variant-numeric: tabular-nums;
}
.nbpipe-chart { display: block; width: 100%; height: auto; }
.nbpipe-chart path { fill: none; }
.nbpipe-chart-grid { stroke: var(--nbpipe-line); stroke-width: 1; }
.nbpipe-chart-line { stroke: var(--nbpipe-run); stroke-width: 1.8; stroke-linejoin: round; }
.nbpipe-chart-before { stroke: var(--nbpipe-fg2); stroke-width: 1.2; stroke-dasharray: 4 3; }
.nbpipe-chart-hair { stroke: var(--nbpipe-edge); stroke-width: 1; }
.nbpipe-chart-dot { fill: var(--nbpipe-run); stroke: var(--nbpipe-canvas); stroke-width: 1.5; }
.nbpipe-chart-text { fill: var(--nbpipe-fg2); font-size: 10px; font-variant-numeric: tabular-nums; }

@container (min-width: 760px) {
  .nbpipe-why-wide { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); }
}
@container (max-width: 640px) {
  .nbpipe-inspector-head { padding-left: 12px; }
  .nbpipe-inspector-name { max-width: 50%; }
  .nbpipe-inspector-line { flex-basis: 40px; }
  .nbpipe-tabs { order: 9; flex: 1 0 100%; margin: 0; justify-content: space-between; }
  .nbpipe-tab { padding: 0 4px; min-height: 34px; font-size: 12px; }
  .nbpipe-pane { padding: 10px 12px; }
  .nbpipe-logs, .nbpipe-sides { flex-direction: column; gap: 10px; }
  .nbpipe-beside { flex: none; max-height: max(55%, 140px); }
  .nbpipe-items { flex: none; max-height: max(45%, 110px); }
  .nbpipe-item > code { display: none; }
  .nbpipe-failure-told, .nbpipe-failure .nbpipe-presses { padding-inline: 12px; }
  .nbpipe-log { min-height: 130px; }
  .nbpipe-preview, .nbpipe-compared { min-height: 200px; }
}
@media (prefers-reduced-motion: reduce) { .nbpipe-waiting { animation: none; } }
}
[data-theme='dark'] .nbpipe-inspector { --nbpipe-ink-light: 0.8; --nbpipe-ink-ground: 0.32; }
@keyframes nbpipe-late { from { opacity: 0; } }
`;

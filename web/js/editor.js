// The query bar: CodeMirror, told by Rust what the text means.
//
// It lives in a shadow root, because there CodeMirror adds its styles as constructed sheets, which the page's strict
// content security policy allows. Offsets are UTF-16 units on this side, as everywhere in the browser.
import { acceptCompletion, autocompletion, closeBrackets, completionStatus, moveCompletionSelection, selectedCompletion, startCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewline } from "@codemirror/commands";
import { EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, drawSelection, keymap, placeholder } from "@codemirror/view";

const setMarks = StateEffect.define();

const marks = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    let current = value.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) current = Decoration.set(effect.value, true);
    }
    return current;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// `flat` is start, end, number of the class; again and again.
function ranges(flat, classes, length) {
  const result = [];
  for (let at = 0; at + 2 < flat.length; at += 3) {
    const [start, end] = [flat[at], Math.min(flat[at + 1], length)];
    if (start < end) result.push(Decoration.mark({ class: classes[flat[at + 2]] }).range(start, end));
  }
  return result;
}

function colours(classes, tokens) {
  const decorate = (view) => {
    const text = view.state.doc.toString();
    return Decoration.set(ranges(tokens(text), classes, text.length), true);
  };
  return ViewPlugin.fromClass(
    class {
      constructor(view) {
        this.decorations = decorate(view);
      }
      update(update) {
        if (update.docChanged) this.decorations = decorate(update.view);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );
}

const looks = EditorView.theme({
  "&": { fontSize: "var(--size)", color: "var(--text)", background: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", maxHeight: "160px", overflow: "auto" },
  ".cm-content": { padding: "7px 0", caretColor: "var(--accent)", fontFeatureSettings: '"calt" 0' },
  ".cm-line": { padding: "0 2px" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--accent) 24%, transparent)",
  },
  ".cm-placeholder": { color: "var(--text-faint)" },
  ".t-field, .t-core-field": { color: "var(--query-field)" },
  ".t-keyword": { color: "var(--query-keyword)", fontWeight: "600" },
  ".t-stage": { color: "var(--query-stage)", fontWeight: "600" },
  ".t-option": { color: "var(--query-stage)" },
  ".t-function": { color: "var(--query-function)" },
  ".t-string": { color: "var(--query-string)" },
  ".t-regex": { color: "var(--query-string)" },
  ".t-wildcard": { color: "var(--query-number)" },
  ".t-number": { color: "var(--query-number)" },
  ".t-operator": { color: "var(--query-operator)" },
  ".t-comment": { color: "var(--text-faint)", fontStyle: "italic" },
  ".t-error": { color: "var(--bad)" },
  ".m-error": { textDecoration: "underline wavy var(--bad) 1.2px", textUnderlineOffset: "4px" },
  ".m-warning": { textDecoration: "underline wavy var(--warning) 1px", textUnderlineOffset: "4px" },
  ".cm-tooltip": { border: "1px solid var(--line)", borderRadius: "8px", background: "var(--surface-raised)", boxShadow: "var(--shadow)", overflow: "hidden" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "var(--size-small)", maxHeight: "280px", minWidth: "280px", padding: "4px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { display: "flex", gap: "8px", alignItems: "baseline", padding: "4px 8px", borderRadius: "4px", color: "var(--text)", lineHeight: "18px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)", fontWeight: "600" },
  ".cm-completionDetail": { marginLeft: "auto", fontStyle: "normal", color: "var(--text-faint)", fontFamily: "var(--font)", paddingLeft: "24px" },
  ".cm-completionIcon": { display: "none" },
  ".kind": { width: "14px", flex: "none", color: "var(--text-faint)", fontSize: "var(--size-tiny)", textAlign: "center" },
  ".cm-tooltip.cm-completionInfo": { padding: "8px 12px", fontFamily: "var(--font)", fontSize: "var(--size-small)", color: "var(--text-soft)", maxWidth: "320px", overflow: "visible" },
});

const KINDS = { field: "ƒ", column: "▥", value: "“", stage: "|", function: "()", operator: "=", keyword: "&", level: "●", time: "◷", option: "–", unit: "u", table: "▦" };

function completionSource(complete) {
  return async (context) => {
    const text = context.state.doc.toString();
    const answer = JSON.parse(await complete(text, context.pos, context.explicit));
    if (!answer || context.aborted) return null;
    return {
      from: answer.from,
      to: answer.to,
      filter: false,
      options: answer.items.map((item) => ({
        label: item.label,
        detail: item.detail ?? undefined,
        info: item.doc ?? undefined,
        kind: item.kind,
      })),
    };
  };
}

// Enter runs, also while completions are open, unless one of them has been chosen with the arrow keys.
function keys(handlers) {
  const run = (view) => {
    if (selectedCompletion(view.state)) return acceptCompletion(view);
    handlers.run(view.state.doc.toString());
    return true;
  };
  const accept = (view) => {
    if (completionStatus(view.state) !== "active") return false;
    if (!selectedCompletion(view.state)) moveCompletionSelection(true)(view);
    return acceptCompletion(view);
  };
  const leave = (view) => {
    if (completionStatus(view.state)) return false;
    view.contentDOM.blur();
    return true;
  };
  const past = (step) => (view) => {
    const oneLine = view.state.doc.lines === 1;
    return oneLine && !completionStatus(view.state) && handlers.past(step);
  };
  return Prec.highest(
    keymap.of([
      { key: "Enter", run, shift: insertNewline },
      { key: "Mod-Enter", run },
      { key: "Tab", run: accept },
      { key: "Escape", run: leave },
      { key: "ArrowUp", run: past(-1) },
      { key: "ArrowDown", run: past(1) },
      { key: "Mod-Space", run: startCompletion },
    ]),
  );
}

export function create(host, options) {
  const { value, label, hint, classes, tokens, complete, changed, run, past } = options;
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: value,
      extensions: [
        keys({ run, past }),
        history(),
        drawSelection(),
        closeBrackets(),
        autocompletion({
          override: [completionSource(complete)],
          selectOnOpen: false,
          icons: false,
          activateOnTypingDelay: 60,
          addToOptions: [
            {
              position: 10,
              render: (option) => {
                const mark = document.createElement("span");
                mark.className = "kind";
                mark.textContent = KINDS[option.kind] ?? "";
                mark.setAttribute("aria-hidden", "true");
                return mark;
              },
            },
          ],
        }),
        keymap.of([...historyKeymap, ...defaultKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
        placeholder(hint),
        colours(classes, tokens),
        marks,
        looks,
      ],
    }),
  });
  return {
    focus: () => view.focus(),
    setText(text) {
      if (text === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } });
    },
    setMarks(flat) {
      view.dispatch({ effects: setMarks.of(ranges(flat, ["m-error", "m-warning"], view.state.doc.length)) });
    },
    destroy: () => view.destroy(),
  };
}

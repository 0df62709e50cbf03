"use strict";

// What GraphiQL 4 leaves out for whoever has no mouse, or has a screen reader read the page. axe finds each in the tests.

function amendEditors() {
  for (const editor of document.querySelectorAll(".CodeMirror")) {
    const name = editor.closest("[aria-label]")?.getAttribute("aria-label");
    const field = editor.querySelector("textarea");
    if (field && name && !field.hasAttribute("aria-label")) field.setAttribute("aria-label", name);
    editor.querySelector(".CodeMirror-scroll")?.setAttribute("tabindex", "0");
  }
}

// A tab of GraphiQL's holds a button that shows it and one that closes it. Inside the role "tab" nobody is told of either:
// they are a list of buttons.
function amendTabs() {
  for (const list of document.querySelectorAll('[role="tablist"]')) list.setAttribute("role", "list");
  for (const tab of document.querySelectorAll(".graphiql-tab")) {
    tab.setAttribute("role", "listitem");
    const selected = tab.getAttribute("aria-selected");
    if (selected === null) continue;
    tab.removeAttribute("aria-selected");
    tab.querySelector(".graphiql-tab-button")?.setAttribute("aria-current", selected);
  }
}

let planned = false;

function amend() {
  planned = false;
  amendEditors();
  amendTabs();
}

new MutationObserver(() => {
  if (planned) return;
  planned = true;
  requestAnimationFrame(amend);
}).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["aria-selected"] });

// In the editors Tab indents. Escape leads out, onto what scrolls, so that nobody who has only a keyboard is caught there.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest?.(".CodeMirror") && !document.querySelector(".CodeMirror-hints")) {
    event.target.closest(".CodeMirror").querySelector(".CodeMirror-scroll").focus();
  }
});

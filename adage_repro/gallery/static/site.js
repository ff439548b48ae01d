"use strict";
// The filter of the claims: shows those that contain all words, with the chosen verdict and subject. Without scripts all are shown.
const form = document.querySelector("form.filter");
if (form) {
  const rows = [...document.querySelectorAll("#claims ~ .claims > li")];
  const none = document.querySelector(".none");
  const filter = () => {
    const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const { verdict, subject } = row.dataset;
      row.hidden = !(
        words.every((word) => text.includes(word)) &&
        (!form.verdict.value || form.verdict.value === verdict) &&
        (!form.subject.value || form.subject.value === subject)
      );
      shown += !row.hidden;
    }
    form.querySelector("output").value = `${shown} of ${rows.length} claims`;
    none.hidden = shown > 0;
  };
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
}

// What scrolls by itself can be reached with the keyboard; what fits is no stop on the way.
const names = { PRE: "Code or printed text", DIV: "Table or equation" };
const reach = () => {
  for (const part of document.querySelectorAll("pre, .scroll, .equation")) {
    if (part.scrollWidth > part.clientWidth) {
      part.tabIndex = 0;
      part.setAttribute("role", "group");
      part.setAttribute("aria-label", names[part.tagName]);
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) part.removeAttribute(name);
    }
  }
};
reach();
addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);

// Code is folded; one button unfolds all of it.
const button = document.querySelector("#unfold");
const folds = [...document.querySelectorAll("details.code")];
if (button && folds.length) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    for (const fold of folds) fold.open = open;
    button.setAttribute("aria-pressed", open);
    button.textContent = open ? "Fold all code" : "Show all code";
  });
}

// What the pages need beyond HTML: faults are read out when they appear, progress when it has changed, and not with each tick.
"use strict";
document.querySelector(".error-summary")?.focus();
document.getElementById("status")?.addEventListener("htmx:afterSwap", (event) => {
  const told = document.getElementById("told");
  const line = event.currentTarget.querySelector(".status-line")?.textContent ?? "";
  if (told.textContent !== line) told.textContent = line;
});

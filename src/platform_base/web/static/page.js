// What the form needs beyond HTML: the list of faults is read out when it appears.
"use strict";
document.querySelector(".error-summary")?.focus();

// The dashboard's little script: copying, the live log, and where the focus goes.
// Without it every action still works; the log is then as of when the page was loaded.
"use strict";

const POLL_MILLISECONDS = 1000;
const MAX_ROWS = 200; // kept on the page; the emulator remembers more

const say = (text) => {
  const line = document.getElementById("live");
  line.textContent = "";
  // A change is read out only if it comes after the line was empty.
  window.setTimeout(() => { line.textContent = text; }, 50);
};

// After an action the focus is where its outcome is told: a screen reader reads it out.
document.querySelector("[data-focus]")?.focus();

for (const select of document.querySelectorAll("select[data-go]")) {
  select.form.querySelector("button").hidden = true;
  select.addEventListener("change", () => select.form.requestSubmit());
}

// Copying: what is shown, or what stays masked on the page and is asked for just now.

const secretOf = async (button) => {
  if (button.dataset.copy) {
    return document.getElementById(button.dataset.copy).textContent;
  }
  const answer = await fetch(button.form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(button.form)),
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) {
    throw new Error(`the dashboard answered ${answer.status}`);
  }
  return (await answer.json()).secret;
};

const copy = async (button) => {
  try {
    await navigator.clipboard.writeText(await secretOf(button));
    say(`${button.dataset.name} copied.`);
    button.textContent = "Copied";
  } catch (error) {
    say(`${button.dataset.name} could not be copied: ${error.message}. Reveal it and select it.`);
    button.textContent = "Not copied";
  }
  window.setTimeout(() => { button.textContent = "Copy"; }, 2000);
};

for (const button of document.querySelectorAll("button[data-name]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

// The live log: rows that are new, newest first, asked for once a second.

const log = document.getElementById("log");

const addRows = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html; // made by the emulator, which escapes everything in it
  const rows = template.content.querySelectorAll("tr");
  if (rows.length) {
    document.getElementById("log-empty").hidden = true;
    log.closest("table").hidden = false;
    log.prepend(template.content);
    while (log.rows.length > MAX_ROWS) {
      log.lastElementChild.remove();
    }
    say(rows.length === 1 ? "One new request." : `${rows.length} new requests.`);
  }
};

const poll = async () => {
  const url = new URL(log.dataset.rows, window.location);
  url.searchParams.set("after", log.dataset.after);
  const answer = await fetch(url);
  if (!answer.ok) {
    throw new Error(`the dashboard answered ${answer.status}`);
  }
  log.dataset.after = answer.headers.get("X-Last-Number");
  addRows(await answer.text());
};

if (log) {
  const pause = document.getElementById("pause");
  const state = document.getElementById("log-state");
  let paused = false;

  const show = (text, kind) => {
    state.textContent = text;
    state.className = `badge ${kind}`;
  };

  const tick = async () => {
    if (!paused && !document.hidden) {
      try {
        await poll();
        if (!paused) {
          show("Live", "good");
        }
      } catch {
        show("The emulator does not answer", "bad");
      }
    }
    window.setTimeout(tick, POLL_MILLISECONDS);
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    show(paused ? "Paused" : "Live", paused ? "warn" : "good");
    say(paused ? "The log is paused." : "The log is live.");
  });
  show("Live", "good");
  tick();
}

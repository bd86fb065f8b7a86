// Keys of the chat page. The page around this frame is of the same origin; nothing here draws, loads or sends anything.
"use strict";

const page = window.parent.document;
const BOX = '[data-testid="stChatInputTextArea"]';
const leaving = new AbortController();
let answer = "";
let said = {};
let turn = null;

// Whoever types means letters: no key of ours fires in a field, beside a modifier, or while a dialog is open.
function isTyping(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

function last(selector) {
  return [...page.querySelectorAll(selector)].filter((found) => found.offsetParent !== null).pop();
}

function focusInput() {
  const box = last(BOX);
  if (box) box.focus();
  return Boolean(box);
}

function press(name) {
  const button = last(`[class*="st-key-chat-${name}"] button`);
  if (button && !button.disabled) button.click();
  return Boolean(button);
}

// Without https the browser offers no clipboard, but still copies what is selected.
function copySelected(text) {
  const area = page.createElement("textarea");
  area.value = text;
  area.setAttribute("aria-hidden", "true");
  area.style.position = "fixed";
  area.style.opacity = "0";
  page.body.append(area);
  area.select();
  const done = page.execCommand("copy");
  area.remove();
  return done;
}

async function copyAnswer() {
  if (!answer) return;
  let done = false;
  try {
    await window.parent.navigator.clipboard.writeText(answer);
    done = true;
  } catch {
    done = copySelected(answer);
  }
  tell(done ? said.copied : said.not_copied);
}

// A live region, so that a screen reader says it too; it stands over the page and is gone after two seconds.
function tell(text) {
  const note = page.createElement("div");
  note.setAttribute("role", "status");
  note.id = "sipd-keys-note";
  note.style.cssText =
    "position:fixed;bottom:6.5rem;left:50%;transform:translateX(-50%);z-index:1000;padding:.5rem .9rem;" +
    "border-radius:.5rem;background:#1F2937;color:#fff;font-size:.875rem;box-shadow:0 2px 8px rgba(0,0,0,.25)";
  page.getElementById(note.id)?.remove();
  page.body.append(note);
  note.textContent = text;
  window.parent.setTimeout(() => note.remove(), 2000);
}

const KEYS = {
  "/": focusInput,
  s: () => (answer ? (copyAnswer(), true) : false),
  u: () => press("edit-"),
  e: () => press("escalate-"),
  "?": () => press("shortcuts"),
};

function onKey(event) {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target.dataset?.testid === "stChatInputTextArea") {
    event.target.blur();
    return;
  }
  if (isTyping(event.target) || page.querySelector('[role="dialog"]')) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act && act()) event.preventDefault();
}

// Leaving a field hands over what was typed in it; Streamlit closes a dialog on Esc without asking for that.
function handOver(event) {
  if (event.key === "Escape" && isTyping(event.target) && event.target.closest('[role="dialog"]')) event.target.blur();
}

// What was typed and not sent, for the way back from another page; it lives in the page's memory and goes with it.
function noteDraft() {
  window.setTimeout(() => {
    const box = last(BOX);
    if (box) window.parent.sipdDraft = box.value;
  }, 30);
}

function bringDraftBack(tries) {
  const box = last(BOX), draft = window.parent.sipdDraft;
  if (!draft || (box && box.value)) return;
  if (!box) {
    if (tries) window.setTimeout(() => bringDraftBack(tries - 1), 100);
    return;
  }
  Object.getOwnPropertyDescriptor(window.parent.HTMLTextAreaElement.prototype, "value").set.call(box, draft);
  box.dispatchEvent(new window.parent.Event("input", { bubbles: true }));
}

// On a narrow screen an answer is longer than the screen, and Streamlit shows its end, again and again while it is drawn.
function showStart() {
  if (window.parent.innerWidth > 640) return;
  const moved = new AbortController();
  for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"])
    page.addEventListener(kind, () => moved.abort(), { signal: moved.signal, capture: true });
  for (const after of [200, 600, 1200, 2000])
    window.setTimeout(() => {
      const answers = page.querySelectorAll('[data-testid="stChatMessage"]');
      if (!moved.signal.aborted) answers[answers.length - 1]?.scrollIntoView({ block: "start" });
    }, after);
  window.setTimeout(() => moved.abort(), 2500);
}

window.addEventListener("message", (event) => {
  if (event.source !== window.parent || event.data?.type !== "streamlit:render") return;
  const before = turn;
  answer = String(event.data.args.answer ?? "");
  turn = String(event.data.args.turn ?? "");
  if (before !== null && turn && turn !== before) showStart();
  said = event.data.args.said ?? {};
});
page.addEventListener("keydown", onKey, { signal: leaving.signal });
for (const kind of ["keyup", "click", "input"]) page.addEventListener(kind, noteDraft, { signal: leaving.signal, capture: true });
bringDraftBack(30);
page.addEventListener("keydown", handOver, { signal: leaving.signal, capture: true });
window.addEventListener("pagehide", () => leaving.abort());

function toStreamlit(type, data) {
  window.parent.postMessage({ isStreamlitMessage: true, type, ...data }, window.parent.location.origin);
}
toStreamlit("streamlit:componentReady", { apiVersion: 1 });
toStreamlit("streamlit:setFrameHeight", { height: 0 });

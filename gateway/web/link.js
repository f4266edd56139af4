"use strict";

const form = document.getElementById("form");
const button = form.querySelector("button");
const outcome = document.getElementById("outcome");
const password = document.getElementById("password");
const show = document.getElementById("show");
const asked = document.getElementById("asked");
const more = document.getElementById("more");
const ending = document.getElementById("ending");
const link = new URLSearchParams(location.hash.slice(1));
const token = link.get("token");

// The browser's history keeps no token.
history.replaceState(null, "", location.pathname);

function tell(text, isError) {
  outcome.textContent = text;
  outcome.classList.toggle("error", isError);
  outcome.focus();
}

function end(text, isError) {
  form.hidden = true;
  tell(text, isError);
}

function bodyToSend() {
  const body = { token };
  if (password) {
    body.password = password.value;
  }
  if (more.required) {
    body[more.name] = more.value;
  }
  return body;
}

// Some accounts need one thing more. The server says so.
function ask(text) {
  asked.hidden = false;
  more.required = true;
  tell(text, true);
  more.focus();
}

async function send() {
  const response = await fetch(form.dataset.path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(bodyToSend()),
  });
  if (response.ok) {
    end(form.dataset.done, false);
    return;
  }
  const { error_code: code, message } = await response.json();
  if (code === form.dataset.asks) {
    ask(message);
  } else if (response.status === 409 || response.status === 410) {
    end(message, true);
  } else {
    tell(message, true);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  try {
    await send();
  } catch {
    tell("The server does not respond. Please try again.", true);
  } finally {
    button.disabled = false;
  }
});

if (show) {
  show.addEventListener("change", () => {
    password.type = show.checked ? "text" : "password";
  });
}

if (ending && /^[0-9]{4}$/.test(link.get("phone"))) {
  ending.textContent = link.get("phone");
  document.getElementById("account").hidden = false;
}

if (!token) {
  end("This link is incomplete. Please open it from the email again.", true);
}

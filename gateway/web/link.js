"use strict";

const form = document.getElementById("form");
const button = form.querySelector("button");
const outcome = document.getElementById("outcome");
const password = document.getElementById("password");
const show = document.getElementById("show");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

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

async function send() {
  const response = await fetch(form.dataset.path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(password ? { token, password: password.value } : { token }),
  });
  if (response.ok) {
    end(form.dataset.done, false);
    return;
  }
  const { message } = await response.json();
  if (response.status === 409 || response.status === 410) {
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

if (!token) {
  end("This link is incomplete. Please open it from the email again.", true);
}

import { isWebAddress, showArticle } from "./article-content.js";

const orderPath = `/api/commissions/${location.pathname.split("/").pop()}`;
const FIRST_POLLS = 5; // these come after 2 seconds, the others after 10
const POLLED = new Set(["PROCESSING", "AWAITING_PAYMENT"]);
const STATUSES = {
  AWAITING_PAYMENT: "Waiting for your payment",
  PROCESSING: "In progress",
  QUALITY_CHECK: "Ready for you",
  ADMIN_REVIEW: "With our editors",
  COMPLETED: "Published",
  FAILED: "Not written yet",
  REFUNDED: "Refunded",
  CANCELLED: "Cancelled",
};
const $ = (id) => document.getElementById(id);

// The tokens live in this page only: a reload asks for the password again.
let tokens = null;
let timer = 0;
let polls = 0;
let shownVersion = null;
const keys = new Map();

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(method, path, { body, token = tokens?.access_token, key } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer.message);
  return answer.data;
}

async function call(method, path, options) {
  try {
    return await send(method, path, options);
  } catch (error) {
    if (error.status !== 401 || !tokens) throw error;
    tokens = await send("POST", "/api/auth/refresh", { token: tokens.refresh_token });
    return await send(method, path, options);
  }
}

// The same request has the same key until it is answered, so a lost answer does not cause a second revision.
async function act(path, body) {
  const wanted = path + JSON.stringify(body);
  if (!keys.has(wanted)) keys.set(wanted, crypto.getRandomValues(new Uint32Array(4)).join("-"));
  try {
    await call("POST", path, { body, key: keys.get(wanted) });
    keys.delete(wanted);
  } catch (error) {
    if (error.status < 500) keys.delete(wanted);
    throw error;
  }
}

function tell(text, isError = false) {
  $("outcome").textContent = text;
  $("outcome").classList.toggle("error", isError);
}

function toggle(id, isShown, text) {
  $(id).hidden = !isShown;
  if (text !== undefined) setText(id, text);
}

// A status that is written anew is read aloud again.
function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  made.append(...(text ? [text] : []), ...children);
  return made;
}

function showLogin(text) {
  tokens = null;
  toggle("order", false);
  toggle("login", true);
  tell(text, true);
  $("email").focus();
}

function showVersion(version) {
  toggle("preview", Boolean(version));
  if (!version || version.version_id === shownVersion) return;
  shownVersion = version.version_id;
  setText("version", `Version ${version.number}${version.notes ? `, for your notes: ${version.notes}` : ""}`);
  setText("title", version.title);
  showArticle(version.content, $("content"));
}

function showVersions(versions) {
  toggle("history", versions.length > 1);
  const open = new Set([...$("versions").querySelectorAll("details[open]")].map((each) => each.dataset.id));
  $("versions").replaceChildren(
    ...versions.map((version) => {
      const item = element("li", `${version.title} (${new Date(version.created_at).toLocaleString()})`);
      if (version.notes) item.append(element("p", `Your notes: ${version.notes}`));
      if (version.changes) {
        const changes = element("details", "", element("summary", "What changed"), element("pre", version.changes));
        changes.dataset.id = version.version_id;
        changes.open = open.has(version.version_id);
        item.append(changes);
      }
      return item;
    }),
  );
}

function showDetails(order) {
  const facts = {
    Type: order.order_details.type === "ARTICLE" ? "Article" : "Backlink",
    Brief: order.order_details.brief,
    Keywords: order.order_details.keywords.join(", "),
    Link: order.order_details.target_url && `${order.order_details.anchor_text} → ${order.order_details.target_url}`,
    Price: `${order.order_details.price} credits`,
    Ordered: new Date(order.order_details.created_at).toLocaleString(),
    Number: order.order_id,
  };
  const told = Object.entries(facts).filter(([, text]) => text);
  $("details").replaceChildren(...told.flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
}

function show(order) {
  toggle("login", false);
  toggle("order", true);
  const isWorking = order.status === "PROCESSING";
  setText("status", STATUSES[order.status] ?? order.status);
  const wait = order.estimated_time ? ` It takes about ${order.estimated_time}. You can close this page: an email follows.` : "";
  setText("message", order.status_message + wait);
  toggle("progress", isWorking);
  $("bar").value = order.progress.step;
  setText("step", `Step ${order.progress.step} of ${order.progress.total}: ${order.progress.description}`);
  toggle("failure", Boolean(order.failure), order.failure?.message ?? "");
  const isSentBack = Boolean(order.review_notes) && order.can_request_revision;
  toggle("review", isSentBack, `Our editors write: ${order.review_notes ?? ""}`);
  toggle("pay", isWebAddress(order.checkout_url));
  $("checkout").href = isWebAddress(order.checkout_url) ? order.checkout_url : "";
  toggle("online", Boolean(order.slug));
  $("article-link").href = `/articles/${encodeURIComponent(order.slug ?? "")}`;
  showVersion(order.version);
  toggle("revise", order.can_request_revision);
  toggle("submit", order.can_submit_for_review);
  showVersions(order.versions);
  showDetails(order);
}

function pollIf(isPolled) {
  clearTimeout(timer);
  if (isPolled) timer = setTimeout(load, polls++ < FIRST_POLLS ? 2_000 : 10_000);
}

async function load() {
  try {
    const order = await call("GET", orderPath);
    show(order);
    tell("");
    pollIf(POLLED.has(order.status));
  } catch (error) {
    if (error.status === 401) {
      showLogin("Please log in again.");
    } else if (error.status === 403 || error.status === 404) {
      showLogin("This account has no such order.");
    } else {
      tell("The server does not respond. This page tries again.", true);
      pollIf(true);
    }
  }
}

// Runs a form's action: its button is off meanwhile, and a refusal is told in the server's words.
function onSubmit(id, action) {
  $(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $(id).querySelector("button");
    button.disabled = true;
    try {
      await action();
      polls = 0;
      await load();
      if (!$("order").hidden) $("status").focus();
    } catch (error) {
      if (tokens) await load(); // the order may have moved on meanwhile
      tell(error instanceof Refused ? error.message : "The server does not respond. Please try again.", true);
      $("outcome").focus();
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit("login", async () => {
  const account = { email: $("email").value, password: $("password").value };
  tokens = await send("POST", "/api/auth/login", { body: account, token: "" });
  $("password").value = "";
});
onSubmit("revise", async () => {
  await act(`${orderPath}/revisions`, { revision_notes: $("notes").value });
  $("notes").value = "";
});
onSubmit("submit", () => act(`${orderPath}/submit`, {}));

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && tokens) load();
});

if (new URLSearchParams(location.search).has("cancelled")) {
  tell("You have left the payment. The order waits for it a while: log in to go on.");
}
history.replaceState(null, "", location.pathname);

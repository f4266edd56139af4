import { showArticle } from "./article-content.js";

const outcome = document.getElementById("outcome");

function fail(text) {
  document.querySelector("article").hidden = true;
  outcome.textContent = text;
  outcome.classList.add("error");
}

try {
  const response = await fetch(`/api/articles/${location.pathname.split("/").pop()}`);
  const answer = await response.json();
  if (response.ok) {
    const article = answer.data;
    document.title = `${article.title} · TicketRemaster`;
    document.getElementById("title").textContent = article.title;
    document.getElementById("published").textContent =
      `Published ${new Date(article.published_at).toLocaleDateString(undefined, { dateStyle: "long" })}`;
    showArticle(article.content, document.getElementById("content"));
    outcome.hidden = true;
  } else {
    fail(response.status === 404 ? "There is no such article." : answer.message);
  }
} catch {
  fail("The server does not respond. Please reload the page.");
}

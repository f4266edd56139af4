// Shows an article's HTML. The server has cleaned it; this page trusts it no more than any other text: it rebuilds the few
// elements that an article has, and leaves out everything else.

const ELEMENTS = new Set(["P", "H2", "H3", "H4", "UL", "OL", "LI", "STRONG", "EM", "BLOCKQUOTE", "BR", "A"]);
const WITHOUT_TEXT = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "NOSCRIPT", "TEXTAREA", "TITLE"]);

export function isWebAddress(text) {
  return typeof text === "string" && /^https?:\/\//i.test(text) && URL.canParse(text);
}

function copyChildren(source, target) {
  for (const node of source.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      target.append(node.data);
    } else if (node.nodeType === Node.ELEMENT_NODE && !WITHOUT_TEXT.has(node.tagName)) {
      copyChildren(node, ELEMENTS.has(node.tagName) ? target.appendChild(emptyCopy(node)) : target);
    }
  }
}

function emptyCopy(node) {
  const copy = document.createElement(node.tagName);
  if (node.tagName === "A" && isWebAddress(node.getAttribute("href"))) {
    copy.href = node.getAttribute("href");
    copy.rel = "sponsored noopener";
  }
  return copy;
}

export function showArticle(html, target) {
  const article = new DocumentFragment();
  copyChildren(new DOMParser().parseFromString(html, "text/html").body, article);
  target.replaceChildren(article);
}

// A model's Markdown, made harmless: no scripts, styles, forms or frames, nothing fetched, links that open elsewhere.
import DOMPurify from "dompurify";
import { Marked } from "marked";
import { useLayoutEffect, useRef } from "preact/hooks";

const marked = new Marked({ gfm: true, breaks: true });

const ALLOWED_TAGS =
  "a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong sub sup table tbody td th thead tr ul".split(
    " ",
  );

/** Longer texts are shown as they are: parsing them would stop the page, again with every token. */
const MOST_CHARACTERS = 50_000;

/** Nobody nests deeper, and some parsers give up. */
const MOST_NESTING = /^(?:[ \t]*>){40}/m;

export function harmless(markdown: string): DocumentFragment {
  const html = marked.parse(markdown, { async: false });
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS,
    ALLOWED_ATTR: ["href", "start"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    link.title = link.href;
  }
  for (const block of fragment.querySelectorAll("pre")) withCopyButton(block);
  for (const table of fragment.querySelectorAll("table")) table.tabIndex = 0; // it scrolls
  return fragment;
}

function withCopyButton(block: HTMLPreElement): void {
  const text = block.textContent ?? "";
  const frame = document.createElement("div");
  frame.className = "code";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet";
  button.textContent = "Copy";
  button.ariaLabel = "Copy the code";
  button.addEventListener("click", async () => {
    const done = await navigator.clipboard.writeText(text).then(
      () => "Copied",
      () => "Not copied",
    );
    button.textContent = done;
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  block.tabIndex = 0; // it scrolls
  block.replaceWith(frame);
  frame.append(block, button);
}

export function Markdown({ text }: { readonly text: string }) {
  const box = useRef<HTMLDivElement>(null);
  const isPlain = text.length > MOST_CHARACTERS || MOST_NESTING.test(text);
  useLayoutEffect(() => {
    if (isPlain) return;
    try {
      box.current?.replaceChildren(harmless(text));
    } catch {
      box.current?.replaceChildren(text);
    }
  }, [text, isPlain]);
  // Isolated, so that marks which turn text around end with it.
  return isPlain ? (
    <div class="markdown plain" dir="auto">
      {text}
    </div>
  ) : (
    <div class="markdown" dir="auto" ref={box} />
  );
}

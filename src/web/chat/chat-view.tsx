// Chat: conversations on the left, the one at hand in the middle, how answers are made on the right.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { OpeningLine } from "../model/model-panel.tsx";
import { chatSlot, modelName } from "../model/models.ts";
import { Button, Problem } from "../ui/parts.tsx";
import { param } from "../url.ts";
import { busy, problem, stop } from "./answering.ts";
import { ask, draft, drawer } from "./asking.ts";
import { Composer } from "./composer.tsx";
import { ConversationList } from "./conversation-list.tsx";
import {
  conversation,
  conversations,
  currentId,
  isLoaded,
  loadConversations,
  newConversation,
} from "./conversations.ts";
import { SettingsPanel } from "./settings-panel.tsx";
import { TurnView } from "./turn-view.tsx";

const examples = [
  "Hello! Who are you?",
  "What is a short convolution?",
  "Which city is the capital of Poland?",
  "Tell me a story about a fox.",
  "Reverse the word bird.",
];

let isLoading = false;

export function ChatView() {
  useEffect(() => {
    if (isLoading) return;
    isLoading = true;
    void loadConversations().then(() => {
      const asked = param("prompt");
      if (asked !== undefined) newConversation();
      draft.value = asked ?? draft.value;
    });
  }, []);
  useEffect(() => {
    void chatSlot.get().catch(() => {});
  }, [modelName.value]);
  const shown = conversation();
  return (
    <div class={`chat ${drawer.value}`}>
      <h1 class="unseen">Chat</h1>
      <ConversationList />
      <section class="talk" aria-label="Conversation">
        <div class="talk-bar">
          <Button
            kind="quiet"
            class="narrow-only"
            onClick={() => toggle("list")}
            aria-expanded={drawer.value === "list"}
          >
            Conversations
          </Button>
          <span class="grow" />
          <Button
            kind="quiet"
            class="narrow-only"
            onClick={() => toggle("options")}
            aria-expanded={drawer.value === "options"}
          >
            Settings
          </Button>
        </div>
        <Turns />
        <div class="below">
          {problem.value && <Problem>{problem.value}</Problem>}
          <OpeningLine slot={chatSlot} />
          {shown && <Composer key={shown.id} />}
        </div>
      </section>
      <SettingsPanel />
      {drawer.value && <button type="button" class="shade" aria-label="Close" onClick={() => (drawer.value = "")} />}
    </div>
  );
}

function toggle(which: "list" | "options"): void {
  drawer.value = drawer.value === which ? "" : which;
}

function Turns() {
  const shown = conversation();
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const turns = shown?.turns ?? [];
  // Whoever has scrolled up to read is left there.
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [conversations.value, currentId.value]);
  const isBusy = busy.value?.id === shown?.id && busy.value !== undefined;
  return (
    <div
      class="turns"
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
      tabIndex={0}
      role="log"
      aria-label="What was said"
      aria-busy={isBusy}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
      {turns.length === 0 && <Welcome />}
      {turns.map((turn, index) => (
        <TurnView
          key={index}
          turn={turn}
          index={index}
          isBeingWritten={isBusy && index === turns.length - 1 && turn.role === "assistant"}
        />
      ))}
      {isBusy && turns.at(-1)?.role !== "assistant" && (
        <p class="waiting" role="status">
          {busy.value?.prefill ? `Reading ${busy.value.prefill.done} of ${busy.value.prefill.total} tokens…` : "…"}
        </p>
      )}
    </div>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <h2>A mixture of experts, in this page</h2>
      <p>
        {modelName.value === ""
          ? "A small model with the architecture of LFM2-8B-A1B runs here, on this machine. It was trained for demonstrations, and knows little."
          : "The model runs here, on this machine; nothing of what you write leaves it."}
      </p>
      <ul class="examples">
        {examples.map((text) => (
          <li key={text}>
            <Button disabled={!isLoaded.value} onClick={() => ask(text)}>
              {text}
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (drawer.value) drawer.value = "";
  else if (busy.value) stop();
});

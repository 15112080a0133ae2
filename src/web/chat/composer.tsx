// What is asked next, and how much of the context the conversation fills.
import { useEffect, useRef } from "preact/hooks";
import { formatBytes } from "../../quantities.ts";
import { chatSlot } from "../model/models.ts";
import { Bar, Button } from "../ui/parts.tsx";
import { busy, stop } from "./answering.ts";
import { ask, draft } from "./asking.ts";
import { conversation } from "./conversations.ts";

export function Composer() {
  const box = useRef<HTMLTextAreaElement>(null);
  // Ready to be written to, except where a keyboard would then cover the screen.
  useEffect(() => {
    if (document.activeElement === document.body && matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, []);
  const send = (): void => {
    if (busy.value !== undefined || draft.value.trim() === "") return;
    ask(draft.value);
    draft.value = "";
    box.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        aria-label="Message"
        placeholder="Write a message"
        rows={Math.min(8, draft.value.split("\n").length)}
        dir="auto"
        value={draft.value}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {busy.value === undefined ? (
        <Button kind="primary" class="send" disabled={draft.value.trim() === ""} onClick={send}>
          Send
        </Button>
      ) : (
        <Button class="send" onClick={stop}>
          Stop
        </Button>
      )}
      <ContextUsed />
    </form>
  );
}

function ContextUsed() {
  const opening = chatSlot.opening.value;
  const last = conversation()?.turns.findLast(({ promptIds }) => promptIds !== undefined);
  if (opening.is !== "open") return <p class="context hint">Enter sends, Shift+Enter begins a line, Escape stops.</p>;
  const used = (last?.promptIds?.length ?? 0) + (last?.tokens?.length ?? 0);
  const { memoryBytes, settings } = opening.model;
  const { contextLength } = settings;
  return (
    <p class="context hint">
      <Bar share={used / contextLength} label="Context used" />
      <span>
        {used.toLocaleString("en-US")} of {contextLength.toLocaleString("en-US")} tokens of context
      </span>
      <span class="memory">
        {formatBytes(memoryBytes)}
        <span class="wide-only"> of memory</span>
      </span>
    </p>
  );
}

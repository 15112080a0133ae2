// The conversations that are kept: chosen, renamed, deleted, written to a file and read from one.
import { useRef, useState } from "preact/hooks";
import { Button, Problem, saveFile } from "../ui/parts.tsx";
import { stop } from "./answering.ts";
import { drawer } from "./asking.ts";
import {
  bringBack,
  type Conversation,
  change,
  conversation,
  conversations,
  currentId,
  deleted,
  exported,
  isLoaded,
  keepingProblem,
  newConversation,
  remove,
  titleOf,
} from "./conversations.ts";
import { importFile } from "./imported.ts";

export function ConversationList() {
  const [renaming, setRenaming] = useState("");
  const [problem, setProblem] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const go = (id: string): void => {
    currentId.value = id;
    drawer.value = "";
  };
  // A field that goes away is left, too: only the first of the two counts.
  const open = useRef("");
  const rename = (id: string): void => {
    open.current = id;
    setRenaming(id);
  };
  const renamed = (one: Conversation, title: string | undefined): void => {
    if (open.current !== one.id) return;
    rename("");
    if (title !== undefined && title.trim() !== titleOf(one)) change(one.id, { title: title.trim() });
  };
  return (
    <aside class="conversations" aria-label="Conversations">
      <Button
        kind="primary"
        disabled={!isLoaded.value}
        onClick={() => {
          stop();
          go(newConversation().id);
        }}
      >
        New conversation
      </Button>
      <ul>
        {conversations.value.map((one) => (
          <li key={one.id} class={one.id === currentId.value ? "current" : ""}>
            {renaming === one.id ? (
              <input
                type="text"
                aria-label="Title"
                value={titleOf(one)}
                ref={(input) => input?.focus()}
                onKeyDown={(event) => {
                  if (event.key !== "Enter" && event.key !== "Escape") return;
                  event.stopPropagation();
                  renamed(one, event.key === "Enter" ? event.currentTarget.value : undefined);
                }}
                onBlur={(event) => renamed(one, event.currentTarget.value)}
              />
            ) : (
              <button
                type="button"
                class="conversation"
                aria-current={one.id === currentId.value}
                onClick={() => go(one.id)}
              >
                {titleOf(one)}
              </button>
            )}
            <span class="tools">
              <button
                type="button"
                class="icon"
                title="Rename"
                aria-label={`Rename ${titleOf(one)}`}
                onClick={() => rename(one.id)}
              >
                ✎
              </button>
              <button
                type="button"
                class="icon"
                title="Delete"
                aria-label={`Delete ${titleOf(one)}`}
                onClick={() => remove(one.id)}
              >
                ✕
              </button>
            </span>
          </li>
        ))}
      </ul>
      {deleted.value && (
        <p class="hint deleted" role="status">
          Deleted: {titleOf(deleted.value)}.{" "}
          <button type="button" class="link" onClick={bringBack}>
            Bring it back
          </button>
        </p>
      )}
      {keepingProblem.value && <p class="hint">{keepingProblem.value}</p>}
      {problem && <Problem>{problem}</Problem>}
      <div class="row files">
        <Button
          kind="quiet"
          onClick={() => saveFile("conversation.json", exported([conversation()].filter((one) => one !== undefined)))}
        >
          Export
        </Button>
        <Button kind="quiet" onClick={() => saveFile("conversations.json", exported(conversations.value))}>
          Export all
        </Button>
        <Button kind="quiet" onClick={() => file.current?.click()}>
          Import
        </Button>
        <input
          ref={file}
          type="file"
          hidden
          accept="application/json,.json"
          onChange={async (event) => {
            const [chosen] = event.currentTarget.files ?? [];
            event.currentTarget.value = "";
            setProblem("");
            if (chosen) await importFile(chosen).catch((error: Error) => setProblem(error.message));
          }}
        />
      </div>
    </aside>
  );
}

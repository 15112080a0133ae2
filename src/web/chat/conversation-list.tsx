// The conversations that are kept: chosen, renamed, deleted, written to a file and read from one.
import { useRef, useState } from "preact/hooks";
import { Button, Problem, saveFile } from "../ui/parts.tsx";
import { stop } from "./answering.ts";
import { drawer } from "./asking.ts";
import {
  change,
  conversation,
  conversations,
  currentId,
  exported,
  importFile,
  isLoaded,
  keepingProblem,
  newConversation,
  remove,
  titleOf,
} from "./conversations.ts";

export function ConversationList() {
  const [renaming, setRenaming] = useState("");
  const [problem, setProblem] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const go = (id: string): void => {
    currentId.value = id;
    drawer.value = "";
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
                  if (event.key === "Enter") event.currentTarget.blur();
                  if (event.key === "Escape") setRenaming("");
                }}
                onBlur={(event) => {
                  change(one.id, { title: event.currentTarget.value.trim() });
                  setRenaming("");
                }}
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
                onClick={() => setRenaming(one.id)}
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
      {keepingProblem.value && <p class="hint">{keepingProblem.value}</p>}
      {problem && <Problem>{problem}</Problem>}
      <div class="row">
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

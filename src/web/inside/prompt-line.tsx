// What is asked for the run that is looked at.
import { useEffect, useState } from "preact/hooks";
import { Button } from "../ui/parts.tsx";
import { param, place, placeWith, visit } from "../url.ts";
import { drop, FIRST_PROMPT } from "./running.ts";

export function PromptLine({ withFiles = true }: { readonly withFiles?: boolean }) {
  const stated = param("prompt") ?? (param("ids") === undefined ? FIRST_PROMPT : "");
  const [text, setText] = useState(stated);
  useEffect(() => setText(stated), [stated]);
  const run = (): void => {
    if (text.trim() === "") return;
    visit(placeWith(place.value, { prompt: text, ids: undefined, answer: undefined, token: undefined }));
  };
  return (
    <form
      class="prompt-line"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <input
        type="text"
        aria-label="Prompt"
        dir="auto"
        placeholder={param("ids") === undefined ? "" : "tokens of a conversation; type to look at another text"}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <Button kind="primary" onClick={run}>
        Run
      </Button>
      {withFiles && (
        <label class="button quiet file-button">
          Open a trace
          <input
            type="file"
            multiple
            class="unseen"
            onChange={(event) => {
              const files = [...(event.currentTarget.files ?? [])];
              event.currentTarget.value = "";
              if (files.length > 0) void drop(files);
            }}
          />
        </label>
      )}
    </form>
  );
}

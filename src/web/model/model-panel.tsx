// Which model runs: the embedded one, one of the hub or of a URL, one of this machine; what is kept in this browser.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { type CachedFile, listCached, removeCached } from "../../files/cached-files.ts";
import { threadsText } from "../../load/threads-text.ts";
import { formatBytes } from "../../quantities.ts";
import { Bar, Button, Problem } from "../ui/parts.tsx";
import {
  chatSlot,
  exactSlot,
  hubEndpoint,
  modelName,
  modelTitle,
  type Opening,
  progressWords,
  type Slot,
  useFiles,
  useModel,
} from "./models.ts";

const isShown = signal(false);

const suggested = [
  {
    name: "",
    title: "lfm2-nano",
    says: "6.7 MB, comes with the page; 24 layers with 32 experts, trained for demonstrations",
  },
  { name: "hf:LiquidAI/LFM2-350M-GGUF:Q4_0", title: "LFM2-350M", says: "0.2 GB, dense" },
  { name: "hf:LiquidAI/LFM2-1.2B-GGUF:Q4_0", title: "LFM2-1.2B", says: "0.7 GB, dense" },
  { name: "hf:LiquidAI/LFM2-8B-A1B-GGUF:Q4_0", title: "LFM2-8B-A1B", says: "4.7 GB, 4 of 32 experts" },
];

export function ModelButton() {
  const openings = [chatSlot.opening.value, exactSlot.opening.value];
  const is = openings.find((one) => one.is === "failed" || one.is === "opening")?.is ?? "";
  return (
    <>
      <button
        type="button"
        class={`button model-button ${is === "" ? "" : `is-${is}`}`}
        onClick={() => (isShown.value = true)}
        title="Choose a model"
      >
        <span class="dot" aria-hidden="true" />
        <span class="model-title">{modelTitle}</span>
      </button>
      {isShown.value && <ModelPanel />}
    </>
  );
}

function ModelPanel() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [named, setNamed] = useState("");
  const [hub, setHub] = useState(hubEndpoint.value ?? "");
  const ownHub = hub.trim() === "" ? undefined : hub.trim();
  const close = (): void => {
    isShown.value = false;
  };
  useEffect(() => dialog.current?.showModal(), []);
  const choose = (name: string): void => {
    useModel(name, ownHub);
    close();
  };
  return (
    <dialog ref={dialog} class="panel" aria-labelledby="model-heading" onClose={close}>
      <div class="panel-head">
        <h2 id="model-heading">Model</h2>
        <Button kind="quiet" onClick={close} aria-label="Close">
          ✕
        </Button>
      </div>
      <ul class="choices">
        {suggested.map(({ name, title, says }) => (
          <li key={name}>
            <button type="button" class="choice" aria-pressed={modelName.value === name} onClick={() => choose(name)}>
              <b>{title}</b>
              <span>{says}</span>
            </button>
          </li>
        ))}
      </ul>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (named.trim() !== "") choose(named.trim());
        }}
      >
        <input
          type="text"
          aria-label="Name on the hub, or URL"
          placeholder="hf:OWNER/REPO:QUANT, or a URL of a GGUF or safetensors file"
          value={named}
          onInput={(event) => setNamed(event.currentTarget.value)}
        />
        <Button kind="primary" disabled={named.trim() === ""} onClick={() => choose(named.trim())}>
          Open
        </Button>
      </form>
      <details class="hub" open={hub !== ""}>
        <summary>Another hub, such as a mirror</summary>
        <input
          type="text"
          aria-label="Address of another hub"
          placeholder="https://huggingface.co"
          value={hub}
          onInput={(event) => setHub(event.currentTarget.value)}
        />
      </details>
      <label class="file-choice">
        Files of this machine: a GGUF, or all files of a Hugging Face folder
        <input
          type="file"
          multiple
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])];
            if (files.length === 0) return;
            useFiles(files);
            close();
          }}
        />
      </label>
      <SlotLine slot={chatSlot} what="For the chat, int8 arithmetic" />
      <SlotLine slot={exactSlot} what="For the look inside, exact float32" />
      <Cached choose={choose} />
    </dialog>
  );
}

function SlotLine({ slot, what }: { readonly slot: Slot; readonly what: string }) {
  const opening = slot.opening.value;
  return (
    <div class="slot">
      <b>{what}</b>
      <span>{stateWords(opening)}</span>
      {opening.is === "opening" && <Button onClick={() => slot.cancel()}>Cancel</Button>}
      {(opening.is === "closed" || opening.is === "failed") && (
        <Button onClick={() => void slot.get().catch(() => {})}>
          {opening.is === "closed" ? "Open" : "Try again"}
        </Button>
      )}
    </div>
  );
}

function stateWords(opening: Opening): string {
  if (opening.is === "closed") return "not open; it is opened when it is needed";
  if (opening.is === "failed") return opening.message;
  if (opening.is === "opening") return opening.progress ? progressWords(opening.progress) : "opening";
  const { memoryBytes, settings } = opening.model;
  return `open: ${formatBytes(memoryBytes)} of memory, ${threadsText(settings)}, ${settings.kernels} SIMD, ${settings.contextLength} positions`;
}

/** Above a view that needs the model: how far it is, and what went wrong. */
export function OpeningLine({ slot }: { readonly slot: Slot }) {
  const opening = slot.opening.value;
  const open = (): void => void slot.get().catch(() => {});
  const another = <Button onClick={() => (isShown.value = true)}>Choose another</Button>;
  if (opening.is === "failed") {
    return (
      <div class="problem" role="alert">
        <p>{opening.message}</p>
        <div class="row">
          <Button onClick={open}>Try again</Button>
          {another}
        </div>
      </div>
    );
  }
  if (opening.is === "closed" && opening.isCancelled) {
    return (
      <div class="opening row" role="status">
        <span>{modelTitle} is not open.</span>
        <Button onClick={open}>Go on</Button>
        {another}
      </div>
    );
  }
  if (opening.is !== "opening") return null;
  const { progress } = opening;
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  return (
    <div class="opening">
      <span>
        {modelTitle}: {progress ? progressWords(progress) : "opening"}
      </span>
      <div class="row">
        <Bar share={share} label="Opening the model" />
        <Button kind="quiet" onClick={() => slot.cancel()}>
          Cancel
        </Button>
      </div>
      {/* In tens, since all of it is read aloud. */}
      <span class="unseen" role="status">
        Opening {modelTitle}, {10 * Math.floor(10 * share)} %
      </span>
    </div>
  );
}

function Cached({ choose }: { readonly choose: (name: string) => void }) {
  const [files, setFiles] = useState<readonly CachedFile[]>();
  const [problem, setProblem] = useState("");
  const read = (): void => void listCached().then(setFiles, () => setFiles([]));
  useEffect(read, []);
  const remove = async (name: string): Promise<void> => {
    setProblem("");
    await removeCached(name).catch((error: Error) => setProblem(error.message));
    read();
  };
  return (
    <section aria-label="Kept in this browser">
      <h3>Kept in this browser</h3>
      {problem && <Problem>{problem}</Problem>}
      {files?.length === 0 && (
        <p class="hint">Nothing. Models of the hub and of URLs are kept here once they have been fetched.</p>
      )}
      <ul class="cached">
        {files?.map(({ name, bytes, isWhole }) => (
          <li key={name}>
            <button type="button" class="link" onClick={() => choose(name)}>
              {name}
            </button>
            <span>
              {formatBytes(bytes)}
              {isWhole ? "" : ", not whole"}
            </span>
            <Button kind="quiet" onClick={() => void remove(name)} aria-label={`Delete ${name}`}>
              Delete
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

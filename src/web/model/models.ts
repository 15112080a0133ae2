// The model that the page runs: which one, its two openings (chat computes in int8, the look inside in exact float32), and
// how far they are.
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { LanguageModel, Progress } from "../../api/language-model.ts";
import type { ArithmeticMode } from "../../ops/backend.ts";
import { openInPage } from "../../page.ts";
import type { ModelTokenizer } from "../../text/text.ts";
import { adjust, param } from "../url.ts";
import { idsAsText } from "./ids-as-text.ts";

export type Opening =
  | { readonly is: "closed" }
  | { readonly is: "opening"; readonly progress: Progress | undefined }
  | { readonly is: "open"; readonly model: LanguageModel; readonly tokenizer: ModelTokenizer }
  | { readonly is: "failed"; readonly message: string };

export interface OpenModel {
  readonly model: LanguageModel;
  readonly tokenizer: ModelTokenizer;
}

export interface Slot {
  readonly mode: ArithmeticMode;
  readonly opening: ReadonlySignal<Opening>;
  /** The model, opened if it is not. @throws what `open` throws */
  get(): Promise<OpenModel>;
  cancel(): void;
}

/** Threads, kernels and the embedded model, beside the page. */
export const assets = new URL("lfm2/", document.baseURI);

/** Files that the reader has chosen; the address can only name them. */
const chosen: Signal<{ readonly name: string; readonly files: readonly File[] } | undefined> = signal(undefined);

/** As the address has it: "" is the embedded model, `file:NAME` one that was chosen. */
export const modelName = computed(() => param("model") ?? "");

/** For people. */
export const modelTitle = computed(() => {
  const name = modelName.value;
  return name === "" ? "lfm2-nano, embedded" : name.replace(/^(file|hf):/, "").replace(/^https?:\/\/.*\//, "");
});

let tellFirst = (): void => {};
/** When a model has been opened, or could not be. */
export const firstOpened = new Promise<void>((resolve) => {
  tellFirst = resolve;
});

const slots: (Slot & { close(): void })[] = [];

export const chatSlot = createSlot("int8");
export const exactSlot = createSlot("exact");

export function useModel(name: string): void {
  for (const slot of slots) slot.close();
  adjust({ model: name, ids: undefined, token: undefined, layer: undefined });
}

export function useFiles(files: readonly File[]): void {
  const [{ name }] = files;
  chosen.value = { name, files };
  useModel(`file:${name}`);
}

function sourceNamed(name: string): string | readonly File[] | undefined {
  if (name === "") return undefined;
  if (!name.startsWith("file:")) return name;
  if (chosen.value?.name === name.slice("file:".length)) return chosen.value.files;
  throw new Error(
    `${name.slice("file:".length)}: a file of this machine, which a link cannot bring along. Choose it again.`,
  );
}

function createSlot(mode: ArithmeticMode): Slot {
  const opening = signal<Opening>({ is: "closed" });
  let current:
    | { readonly name: string; readonly found: Promise<OpenModel>; readonly controller: AbortController }
    | undefined;

  const close = (): void => {
    const left = current;
    current = undefined;
    opening.value = { is: "closed" };
    left?.controller.abort();
    left?.found.then(({ model }) => model.close()).catch(() => {});
  };

  const open = async (name: string, signal: AbortSignal): Promise<OpenModel> => {
    const isCurrent = (): boolean => !signal.aborted;
    opening.value = { is: "opening", progress: undefined };
    try {
      const model = await openInPage(() => ({}), sourceNamed(name), {
        mode,
        assets,
        signal,
        onProgress(progress) {
          if (isCurrent()) opening.value = { is: "opening", progress };
        },
      });
      const tokenizer = await model.tokenizer().catch(idsAsText);
      if (isCurrent()) opening.value = { is: "open", model, tokenizer };
      return { model, tokenizer };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (isCurrent()) opening.value = { is: "failed", message };
      throw error;
    } finally {
      tellFirst();
    }
  };

  const slot = {
    mode,
    opening,
    get(): Promise<OpenModel> {
      const name = modelName.value;
      if (current?.name !== name || opening.peek().is === "failed") {
        if (current !== undefined) close();
        const controller = new AbortController();
        current = { name, controller, found: open(name, controller.signal) };
      }
      return current.found;
    },
    cancel: close,
    close,
  };
  slots.push(slot);
  return slot;
}

export function progressWords({ phase, done, total, bytesPerSecond, secondsLeft }: Progress): string {
  const share = total > 0 ? Math.floor((100 * done) / total) : 0;
  if (phase === "prefill") return `reading ${done} of ${total} tokens`;
  if (phase === "wait") return "another tab is fetching it";
  const doing = { fetch: "fetching", check: "checking", load: "loading" }[phase];
  const speed = bytesPerSecond === undefined ? "" : `, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
  const left = secondsLeft === undefined ? "" : `, ${Math.ceil(secondsLeft)} s left`;
  return `${doing}, ${share} % of ${(total / 1e6).toFixed(1)} MB${speed}${left}`;
}

// Where the chat's int8 arithmetic says something else than the exact run: at a token, and over the whole text.
import { useEffect, useState } from "preact/hooks";
import { chatSlot, exactSlot } from "../model/models.ts";
import { Button, Problem, visibleToken } from "../ui/parts.tsx";
import { adjust } from "../url.ts";
import { divergence, highest } from "./numbers.ts";
import type { SeenRun } from "./seen-run.ts";

/** The chat's logits at a token; undefined where they are not there. */
export function useInt8(run: SeenRun, token: number): Float32Array | undefined {
  const [found, setFound] = useState<{ readonly key: string; readonly logits: Float32Array }>();
  const opening = chatSlot.opening.value;
  const key = `${token} ${run.ids.join()} ${opening.is}`;
  useEffect(() => {
    if (opening.is !== "open" || !run.isLive) return;
    const controller = new AbortController();
    const choice = { points: ["lm_head"], positions: { from: token, to: token + 1 }, signal: controller.signal };
    const read = async (): Promise<void> => {
      for await (const { data } of opening.model.trace(run.ids.slice(0, token + 1), choice))
        setFound({ key, logits: Float32Array.from(data) });
    };
    read().catch(() => {}); // left, or closed meanwhile
    return () => controller.abort();
  }, [key]);
  return found?.key === key ? found.logits : undefined;
}

interface Int8Props {
  readonly run: SeenRun;
  readonly texts: readonly string[];
  /** At the token that is looked at. */
  readonly exact: Float32Array;
  readonly int8: Float32Array | undefined;
}

export function Int8Beside({ run, texts, exact, int8 }: Int8Props) {
  if (!run.isLive) return null;
  const { is } = chatSlot.opening.value;
  return (
    <section aria-label="In the chat’s int8">
      <h3>In the chat’s int8</h3>
      {is === "open" ? (
        <>
          <p>
            The chat rounds activations to 8 bits.{" "}
            {int8 && (
              <>
                Here that makes a KL divergence of <b data-fact="int8-kl">{divergence(exact, int8).toExponential(2)}</b>{" "}
                nats, and {highest(int8) === highest(exact) ? "the same likeliest token." : "another likeliest token."}
              </>
            )}
          </p>
          <WholeText run={run} texts={texts} />
        </>
      ) : (
        <p class="row">
          <span class="hint">The chat rounds activations to 8 bits. What comes of it here takes its model.</span>
          <Button disabled={is === "opening"} onClick={() => void chatSlot.get().catch(() => {})}>
            {is === "opening" ? "Opening…" : "Compare with int8"}
          </Button>
        </p>
      )}
    </section>
  );
}

/** Logits of every token, twice. */
const MOST_BYTES = 600e6;

interface Differing {
  readonly mean: number;
  /** After which int8 has another likeliest token. */
  readonly others: readonly { readonly token: number; readonly exact: number; readonly int8: number }[];
}

function WholeText({ run, texts }: Pick<Int8Props, "run" | "texts">) {
  const [found, setFound] = useState<{ readonly run: SeenRun; readonly is: Differing | string }>();
  const shown = found?.run === run ? found.is : undefined;
  const [exact, chat] = [exactSlot.opening.value, chatSlot.opening.value];
  if (exact.is !== "open" || chat.is !== "open") return null;
  const compare = async (): Promise<void> => {
    const bytes = 2 * 4 * run.ids.length * run.config.vocabSize;
    if (bytes > MOST_BYTES) throw new Error("The logits of so many tokens do not fit. Look at a shorter text.");
    setFound({ run, is: "Running it in int8…" });
    const [a, b] = [await exact.model.logits(run.ids), await chat.model.logits(run.ids)];
    const rows = run.ids.map((_, t) => [a, b].map(({ data, cols }) => data.subarray(t * cols, (t + 1) * cols)));
    const others = rows.flatMap(([truth, other], token) => {
      const [exact, int8] = [highest(truth), highest(other)];
      return exact === int8 ? [] : [{ token, exact, int8 }];
    });
    const mean = rows.reduce((sum, [truth, other]) => sum + divergence(truth, other), 0) / rows.length;
    setFound({ run, is: { mean, others } });
  };
  if (shown === undefined) {
    const tell = ({ message }: Error): void => setFound({ run, is: message });
    return <Button onClick={() => void compare().catch(tell)}>Compare at every token</Button>;
  }
  if (typeof shown === "string")
    return shown.startsWith("Running") ? <p role="status">{shown}</p> : <Problem>{shown}</Problem>;
  const text = (id: number): string => visibleToken(exact.tokenizer.textOf(id));
  return (
    <>
      <p>
        Over these {run.ids.length} tokens the KL divergence is{" "}
        <b data-fact="int8-mean" title={String(shown.mean)}>
          {shown.mean.toExponential(2)}
        </b>{" "}
        nats in the mean, and another token the likeliest after <b data-fact="int8-others">{shown.others.length}</b>.
      </p>
      <ul class="chosen-for">
        {shown.others.map(({ token, exact, int8 }) => (
          <li key={token}>
            <button type="button" class="link mono" onClick={() => adjust({ token })}>
              {visibleToken(texts[token])}
            </button>
            <span class="mono">
              {text(int8)} for {text(exact)}
            </span>
            <span class="hint">token {token}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

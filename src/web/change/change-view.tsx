// Change it: edits of the router, the norms and the convolutions, and what comes of them beside the true run.
import { useEffect, useState } from "preact/hooks";
import { type EditKind, editKinds, editWords, normNames } from "../../edits/edit.ts";
import { PromptLine } from "../inside/prompt-line.tsx";
import { ANSWER_TOKENS, FIRST_PROMPT } from "../inside/running.ts";
import { OpeningLine } from "../model/model-panel.tsx";
import { exactSlot, hubEndpoint, modelName } from "../model/models.ts";
import { Button, CopyButton, Field, number, Problem, visibleToken } from "../ui/parts.tsx";
import { addressOf, param, place, placeWith, visit } from "../url.ts";
import { type Compared, compare } from "./comparing.ts";

/** Edits begin with a letter and hold no space, so one parameter holds them all. */
const editsOf = (text: string | undefined): string[] => (text ?? "").split(" ").filter((edit) => edit !== "");
const setEdits = (edits: readonly string[]): void => visit(placeWith(place.value, { edit: edits.join(" ") }));

const tries: readonly (readonly [title: string, edit: string])[] = [
  ["softmax router", "softmax"],
  ["no bias", "no-bias"],
  ["two experts", "k:2"],
  ["no normalization", "no-normalization"],
  ["no convolution in layer 0", "no-convolution@0"],
  ["no final norm", "no-norm:embedding_norm"],
];

export function ChangeView() {
  const text = param("edit") ?? "";
  const edits = editsOf(text);
  const [found, setFound] = useState<Compared>();
  const [state, setState] = useState("");
  const [problem, setProblem] = useState("");
  const from = ["prompt", "ids", "answer", "seed"].map((name) => param(name) ?? "").join("\n");
  useEffect(() => {
    const controller = new AbortController();
    setProblem("");
    setFound(undefined);
    if (editsOf(text).length === 0) return;
    compare(editsOf(text), controller.signal, (what) => !controller.signal.aborted && setState(what)).then(
      (compared) => {
        if (controller.signal.aborted) return;
        setFound(compared);
        setState("");
      },
      (error: Error) => {
        if (controller.signal.aborted) return;
        setState("");
        setProblem(error.message);
      },
    );
    return () => controller.abort();
  }, [text, from, modelName.value]);
  return (
    <div class="inside change">
      <h1 class="unseen">Change it</h1>
      <PromptLine withFiles={false} />
      <OpeningLine slot={exactSlot} />
      <section aria-label="Edits">
        <ul class="edits">
          {edits.map((edit, index) => (
            <li key={edit}>
              <span class="mono">{edit}</span>
              <button
                type="button"
                class="icon"
                aria-label={`Take back ${edit}`}
                onClick={() => setEdits(edits.toSpliced(index, 1))}
              >
                ✕
              </button>
            </li>
          ))}
          {edits.length === 0 && <li class="hint">Nothing is changed yet. Try one of these, or make your own:</li>}
        </ul>
        <div class="row">
          {tries.map(([title, edit]) => (
            <Button
              key={edit}
              aria-pressed={edits.includes(edit)}
              onClick={() => setEdits(edits.includes(edit) ? edits.filter((one) => one !== edit) : [...edits, edit])}
            >
              {title}
            </Button>
          ))}
        </div>
        <EditForm add={(edit) => setEdits([...edits.filter((one) => one !== edit), edit])} />
      </section>
      {state && (
        <p class="waiting" role="status">
          {state}
        </p>
      )}
      {problem && <Problem>{problem}</Problem>}
      {found && <Result found={found} />}
    </div>
  );
}

function EditForm({ add }: { readonly add: (edit: string) => void }) {
  const [kind, setKind] = useState<EditKind>("expert-off");
  const [values, setValues] = useState("");
  const [layers, setLayers] = useState("");
  const takesValues = /^(expert|weight)|^k$|^no-norm$/.test(kind);
  const stated = kind === "no-norm" && values === "" ? normNames[0] : values.replace(/\s/g, "");
  const edit = `${kind}${takesValues ? `:${stated}` : ""}${layers.trim() === "" ? "" : `@${layers.replace(/\s/g, "")}`}`;
  const isUnfinished = takesValues && stated === "";
  return (
    <form
      class="edit-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isUnfinished) add(edit);
      }}
    >
      <Field label="Change">
        <select
          value={kind}
          onChange={(event) => {
            setKind(event.currentTarget.value as EditKind);
            setValues("");
          }}
        >
          {editKinds.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      {kind === "no-norm" && (
        <Field label="Norm">
          <select value={stated} onChange={(event) => setValues(event.currentTarget.value)}>
            {normNames.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      )}
      {takesValues && kind !== "no-norm" && (
        <Field label={kind === "k" ? "Experts to a token" : "Experts"}>
          <input
            type="text"
            placeholder={kind === "k" ? "such as 2" : "such as 7,9-11"}
            value={values}
            onInput={(event) => setValues(event.currentTarget.value)}
          />
        </Field>
      )}
      <Field label="Layers">
        <input
          type="text"
          placeholder="all, or such as 2-5"
          value={layers}
          onInput={(event) => setLayers(event.currentTarget.value)}
        />
      </Field>
      <Button kind="primary" onClick={() => add(edit)} disabled={isUnfinished}>
        Change it
      </Button>
      <p class="hint">{editWords[kind]}</p>
    </form>
  );
}

/** A line that computes the same bits: of what was written anew where a prompt was asked, of the logits where ids were. */
function commandFor({ edits, ids }: Compared): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const name = modelName.value.replace(/^file:/, "");
  const words = [
    ...(hubEndpoint.value === undefined ? [] : [`HF_ENDPOINT=${quoted(hubEndpoint.value)}`]),
    ...(param("ids") === undefined ? ["lfm2 run"] : ["lfm2 logits -o logits.safetensors"]),
    ...(name === "" ? [] : ["-m", quoted(name)]),
    "--mode exact",
    ...(param("ids") === undefined
      ? [`-n ${ANSWER_TOKENS}`, samplingWords(), "-p", quoted(param("prompt") ?? FIRST_PROMPT)]
      : ["--ids", ids.join(",")]),
    "--edit",
    ...edits,
  ];
  return words.join(" ");
}

const samplingWords = (): string => (param("seed") === undefined ? "--greedy" : `--seed ${quotedSeed()}`);
const quotedSeed = (): string => (param("seed") ?? "").replace(/\D/g, "");

function Result({ found }: { readonly found: Compared }) {
  const { texts, answerFrom, divergences, others, first, trueText, editedText } = found;
  const mean = divergences.reduce((sum, value) => sum + value, 0) / divergences.length;
  const most = Math.max(...divergences, 1e-12);
  const command = commandFor(found);
  return (
    <section aria-label="What came of it">
      <h2>Over the same text</h2>
      <dl class="facts">
        <div>
          <dt>KL divergence from the true run, mean</dt>
          <dd data-fact="kl" title={String(mean)}>
            {mean < 1e-3 ? mean.toExponential(2) : number(mean, 4)} nats
          </dd>
        </div>
        <div>
          <dt>another likeliest token</dt>
          <dd data-fact="others">
            after {others.length} of {texts.length} tokens
          </dd>
        </div>
        <div>
          <dt>first point that differs</dt>
          <dd>
            {first === undefined ? (
              "none"
            ) : (
              <>
                <span class="mono" data-fact="first-point">
                  {first.point}
                </span>
                , token {first.token}
              </>
            )}
          </dd>
        </div>
      </dl>
      <ol class="diverging" aria-label="KL divergence after each token">
        {texts.map((text, t) => (
          <li
            key={t}
            class={`${others.includes(t) ? "other" : ""} ${t < answerFrom ? "of-prompt" : ""}`}
            title={`KL ${divergences[t]} nats${others.includes(t) ? ", another likeliest token" : ""}`}
          >
            <span class="kl" style={{ height: `${Math.round((28 * divergences[t]) / most)}px` }} />
            <span class="mono">{visibleToken(text)}</span>
          </li>
        ))}
      </ol>
      <p class="hint">
        The higher a bar, the farther the edited model’s next token is from the true one’s; orange: another one is the
        likeliest.
      </p>
      <h2>As each writes by itself</h2>
      <div class="texts-beside">
        <div>
          <h3>True</h3>
          <p class="written" dir="auto" data-fact="true-text">
            {trueText}
          </p>
        </div>
        <div>
          <h3>Edited</h3>
          <p class="written" dir="auto" data-fact="edited-text">
            {editedText}
          </p>
        </div>
      </div>
      <p class="row hint">
        <code data-fact="command">{command}</code> <CopyButton text={() => command} />
        <a href={addressOf(placeWith(place.value, {}, "inside"))}>Look inside the true run</a>
      </p>
    </section>
  );
}

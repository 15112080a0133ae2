// Speed: what this browser has for a model, and a small bench of the one that is loaded.
import { useEffect, useRef, useState } from "preact/hooks";
import { dotProductWords } from "../../bench/product/dot-product-words.ts";
import { nameOf } from "../../bench/product/settings.ts";
import { type ReportedRun, rangeText, reportRun } from "../../bench/product/table.ts";
import { capabilities } from "../../capabilities/browser.ts";
import type { Capabilities } from "../../capabilities/capabilities.ts";
import { threeDigits } from "../../quantities.ts";
import { OpeningLine } from "../model/model-panel.tsx";
import { chatSlot, modelName } from "../model/models.ts";
import { engineWords } from "../ui/engine-words.ts";
import { Bar, Button, CopyButton, Field, Problem } from "../ui/parts.tsx";
import { adjust, param } from "../url.ts";
import { type Asked, measure, type Told } from "./measuring.ts";

const MOST = { prefill: 4096, decode: 1024, rounds: 20 } as const;
const OTHERWISE: Asked = { prefill: 256, decode: 64, rounds: 3 };

/** As the address has them. */
function asked(): Asked {
  const numberOf = (name: keyof Asked, least: number): number => {
    const text = param(name) ?? "";
    const value = /^\d{1,5}$/.test(text) ? Number(text) : OTHERWISE[name];
    return Math.max(least, Math.min(MOST[name], value));
  };
  return { prefill: numberOf("prefill", 1), decode: numberOf("decode", 1), rounds: numberOf("rounds", 1) };
}

export function SpeedView() {
  const [told, setTold] = useState<Told>();
  const [run, setRun] = useState<ReportedRun>();
  const [problem, setProblem] = useState("");
  const controller = useRef<AbortController>();
  const stop = (): void => {
    controller.current?.abort();
    setTold(undefined);
  };
  const start = (): void => {
    stop();
    const own = new AbortController();
    controller.current = own;
    setProblem("");
    setRun(undefined);
    measure(asked(), own.signal, (next) => {
      if (own.signal.aborted) return;
      setTold(next);
      if (next.run) setRun(next.run);
    }).then(
      (found) => {
        if (own.signal.aborted) return;
        setTold(undefined);
        setRun(found);
      },
      (error: Error) => {
        if (own.signal.aborted) return;
        setTold(undefined);
        setProblem(error.message);
      },
    );
  };
  const leave = (): void => {
    stop();
    setRun(undefined);
  };
  useEffect(() => leave, [modelName.value]);
  const found = useCapabilities();
  const machine = [engineWords(), found && machineWords(found)].filter(Boolean).join(", ");
  return (
    <div class="inside speed">
      <h1 class="unseen">Speed</h1>
      <OpeningLine slot={chatSlot} />
      <Facts machine={engineWords()} found={found} />
      <form
        class="edit-form"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        {(
          [
            ["prefill", "Tokens of the prompt"],
            ["decode", "Tokens of the answer"],
            ["rounds", "Rounds"],
          ] as const
        ).map(([name, label]) => (
          <Field key={name} label={label}>
            <input
              type="number"
              min={1}
              max={MOST[name]}
              value={asked()[name]}
              disabled={told !== undefined}
              onChange={(event) => adjust({ [name]: event.currentTarget.value })}
            />
          </Field>
        ))}
        <Button kind="primary" onClick={start} disabled={told !== undefined}>
          Measure
        </Button>
      </form>
      {told && (
        <div class="opening" role="status">
          <span>{told.what}</span>
          <Bar share={told.done / told.total} label="Of the bench" />
          <Button kind="quiet" onClick={stop}>
            Stop
          </Button>
        </div>
      )}
      {problem && <Problem>{problem}</Problem>}
      {run && <Figures run={run} machine={machine} />}
      <p class="hint">
        Measured with random ids, in the chat’s arithmetic, by the clock of the model’s thread. Other tabs and programs
        slow it down; <span class="mono">lfm2 bench</span> measures more on the command line.
      </p>
    </div>
  );
}

function useCapabilities(): Capabilities | undefined {
  const [found, setFound] = useState<Capabilities>();
  useEffect(() => void capabilities().then(setFound), []);
  return found;
}

/** "dot product: one instruction, isolated" */
function machineWords({ threads }: Capabilities): string {
  return [
    `dot product: ${dotProductWords()}`,
    crossOriginIsolated ? "isolated" : "not isolated",
    threads.available ? "" : "no shared memory",
  ]
    .filter(Boolean)
    .join(", ");
}

function Facts({ machine, found }: { readonly machine: string; readonly found: Capabilities | undefined }) {
  const opening = chatSlot.opening.value;
  const settings = opening.is === "open" ? opening.model.settings : undefined;
  const kernels = settings?.kernels ?? found?.uses?.kernels;
  const threads = settings?.threads ?? found?.uses?.threads;
  return (
    <dl class="facts">
      <div>
        <dt>browser and machine</dt>
        <dd data-fact="machine">{machine}</dd>
      </div>
      <div>
        <dt>kernels</dt>
        <dd data-fact="kernels">
          {kernels ? `${kernels} SIMD` : "…"}; a dot product of bytes: {dotProductWords()}
        </dd>
      </div>
      <div>
        <dt>threads</dt>
        <dd data-fact="threads">
          {threads ?? "…"}
          {found && !found.threads.available && `: ${found.threads.unavailable}`}
        </dd>
      </div>
    </dl>
  );
}

function Figures({ run, machine }: { readonly run: ReportedRun; readonly machine: string }) {
  const [limit] = run.readLimits;
  return (
    <section aria-label="Figures">
      <dl class="facts measured">
        {run.rows.map((row) => (
          <div key={row.kind}>
            <dt>{nameOf(row)}</dt>
            <dd data-fact={row.kind} title={String(row.tokensPerSecond.median)}>
              <b>{rangeText(row.tokensPerSecond)}</b> tok/s
              {row.ofReadLimit && (
                <>
                  ,{" "}
                  <span data-fact="share" title={String(row.ofReadLimit.median)}>
                    {threeDigits(100 * row.ofReadLimit.median)} % of the read limit
                  </span>
                </>
              )}
            </dd>
          </div>
        ))}
        <div>
          <dt>read limit, {limit.threads === 1 ? "1 thread" : `${limit.threads} threads`}</dt>
          <dd data-fact="read-limit" title={String(limit.bytesPerSecond.median)}>
            <b>{rangeText(limit.bytesPerSecond, (value) => threeDigits(value / 1e9))}</b> GB/s
          </dd>
        </div>
      </dl>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
      <pre class="report" tabIndex={0} data-fact="report">
        {reportRun(run, machine)}
      </pre>
      <CopyButton text={() => reportRun(run, machine)} label="Copy as text" />
    </section>
  );
}

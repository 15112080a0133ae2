// `lfm2 verify` on this very engine: the hash of the embedded model's logits in each mode, with each build of the kernels.
import { useEffect, useRef, useState } from "preact/hooks";
import { expectedBits } from "../../oracle/same-bits.ts";
import { type BitsRun, type BitsVerdict, bitsReport, bitsRuns, verifyBits } from "../../oracle/verify-bits.ts";
import { openInPage } from "../../page.ts";
import { hasSharedMemory, type KernelBuildName, usableBuilds } from "../../wasm/kernels.ts";
import { assets } from "../model/models.ts";
import { engineWords } from "../ui/engine-words.ts";
import { Bar, Button, CopyButton, Problem } from "../ui/parts.tsx";

type Running = { readonly run: BitsRun; readonly done: number; readonly total: number };

export function VerifyPanel() {
  const [verdicts, setVerdicts] = useState<readonly BitsVerdict[]>([]);
  const [running, setRunning] = useState<Running>();
  const [problem, setProblem] = useState("");
  const controller = useRef<AbortController>();
  const stop = (): void => {
    controller.current?.abort();
    setRunning(undefined);
  };
  const start = (): void => {
    stop();
    const own = new AbortController();
    controller.current = own;
    setVerdicts([]);
    setProblem("");
    verify(own.signal, (done, next) => {
      if (own.signal.aborted) return;
      setVerdicts(done);
      setRunning(next);
    }).catch((error: Error) => {
      if (own.signal.aborted) return;
      setRunning(undefined);
      setProblem(error.message);
    });
  };
  useEffect(() => {
    start();
    return () => controller.current?.abort();
  }, []);
  const isDone = running === undefined && verdicts.length > 0 && problem === "";
  const isSame = verdicts.every(({ same }) => same);
  const lines = bitsReport(engineWords(), verdicts);
  return (
    <div class="panel-body">
      <p class="hint">
        The SHA-256 of the embedded model’s float32 logits after each of 3 × 64 ids. It does not depend on browser,
        processor, build of the kernels or threads.
      </p>
      {running && (
        <div class="opening" role="status">
          <span>
            Running {running.run.mode}, {running.run.kernels} SIMD,{" "}
            {running.run.threads === 1 ? "1 thread" : `${running.run.threads} threads`}
          </span>
          <Bar share={running.done / running.total} label="Runs that are done" />
          <Button kind="quiet" onClick={stop}>
            Cancel
          </Button>
        </div>
      )}
      {problem && <Problem>{problem}</Problem>}
      {isDone && (
        <p class={`verdict ${isSame ? "equal" : "different"}`} data-fact="bits" data-same={isSame}>
          {lines.at(-1)}
        </p>
      )}
      <p class="hint">{lines[0]}</p>
      {(["exact", "int8"] as const).map((mode) => (
        <section key={mode} aria-label={mode}>
          <h2>{mode}</h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
          <section class="scroll-x" tabIndex={0} aria-label={`Hashes of ${mode}`}>
            <table class="numbers-table hashes">
              <tbody>
                <tr>
                  <th scope="row">expected</th>
                  <td />
                  <td class="mono">{expectedBits[mode]}</td>
                </tr>
                {verdicts
                  .filter((verdict) => verdict.mode === mode)
                  .map(({ kernels, threads, sha256, same }) => (
                    <tr key={`${kernels} ${threads}`} data-mode={mode} class={same ? "" : "outside"}>
                      <th scope="row">
                        {kernels} SIMD, {threads === 1 ? "1 thread" : `${threads} threads`}
                      </th>
                      <td>{same ? "same" : "DIFFERENT"}</td>
                      <td class="mono">{sha256}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </section>
        </section>
      ))}
      <div class="row hashes-done">
        <Button onClick={start} disabled={running !== undefined}>
          Verify again
        </Button>
        {isDone && <CopyButton text={() => `${lines.join("\n")}\n`} />}
      </div>
    </div>
  );
}

async function verify(
  signal: AbortSignal,
  tell: (done: readonly BitsVerdict[], next: Running | undefined) => void,
): Promise<void> {
  const threads = hasSharedMemory() ? [1, 2] : [1];
  const runs = bitsRuns<KernelBuildName>(usableBuilds().toReversed(), threads);
  const done: BitsVerdict[] = [];
  for (const run of runs) {
    tell([...done], { run, done: done.length, total: runs.length });
    const { mode, kernels } = run;
    const model = await openInPage(() => ({}), undefined, { mode, kernels, threads: run.threads, assets, signal });
    done.push(await verifyBits(run, model, signal));
  }
  tell([...done], undefined);
}

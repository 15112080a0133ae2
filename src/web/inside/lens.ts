// What the model would say if a layer were its last: the final norm and the head over the stream as it is there.
import { useEffect, useState } from "preact/hooks";
import { exactSlot } from "../model/models.ts";
import { layerName, rowOf, type SeenRun } from "./seen-run.ts";

/**
 * Logits after the embedding and after every layer, at one token [layers + 1][vocab]; undefined while they are computed, a
 * text where they cannot be.
 */
export function useLens(run: SeenRun, token: number): readonly Float32Array[] | string | undefined {
  const [found, setFound] = useState<{ readonly key: string; readonly logits: readonly Float32Array[] | string }>();
  const opening = exactSlot.opening.value;
  const key = `${run.origin} ${token} ${opening.is} ${run.ids.join()}`;
  useEffect(() => {
    let isWanted = true;
    const tell = (logits: readonly Float32Array[] | string): void => {
      if (isWanted) setFound({ key, logits });
    };
    const names = ["model.embed_tokens", ...run.config.layerTypes.map((_, layer) => layerName(layer))];
    const rows = names.map((name) => rowOf(run, name, token));
    if (rows.includes(undefined)) tell("The stream was not recorded at every layer.");
    else if (opening.is !== "open") tell("The lens takes the model’s head: open the model that the trace is of.");
    else if (
      opening.model.config.hiddenSize !== run.config.hiddenSize ||
      opening.model.config.vocabSize !== run.config.vocabSize
    ) {
      tell("The model that is open has another head than the trace’s.");
    } else {
      const { hiddenSize, vocabSize } = run.config;
      const hidden = new Float32Array(names.length * hiddenSize);
      for (const [i, row] of rows.entries()) hidden.set(row as Float32Array, i * hiddenSize);
      opening.model.head(hidden).then(
        ({ data }) => tell(names.map((_, i) => data.subarray(i * vocabSize, (i + 1) * vocabSize))),
        (error: Error) => tell(error.message),
      );
    }
    return () => {
      isWanted = false;
    };
  }, [key]);
  return found?.key === key ? found.logits : undefined;
}

export function textOf(id: number): string {
  const opening = exactSlot.opening.value;
  return opening.is === "open" ? opening.tokenizer.textOf(id) : `#${id}`;
}

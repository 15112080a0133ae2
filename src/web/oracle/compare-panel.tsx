// What is compared: files for each side, or the model that runs here; and how.
import { useEffect, useState } from "preact/hooks";
import { precisions } from "../../oracle/compare/tolerance.ts";
import { OpeningLine } from "../model/model-panel.tsx";
import { exactSlot, modelName, modelTitle } from "../model/models.ts";
import { Bar, Button, Field, Problem, visibleToken } from "../ui/parts.tsx";
import { adjust, param, place, placeWith, visit } from "../url.ts";
import {
  comparing,
  mapNames,
  mapOf,
  precision,
  startComparing,
  statedEdits,
  stopComparing,
  usesWeights,
} from "./comparing.ts";
import { ComparisonPanel } from "./comparison-panel.tsx";
import type { Doing, Side } from "./protocol.ts";
import { dropped, grouped, type Recording, recordings, setRecording } from "./recordings.ts";

const MOST_IDS_CHARACTERS = 20_000;

const tries: readonly (readonly [title: string, edit: string])[] = [
  ["softmax for sigmoid", "softmax"],
  ["no normalization", "no-normalization"],
  ["no bias", "no-bias"],
  ["no norm of queries", "no-norm:q_layernorm"],
];

export function ComparePanel() {
  const { a, b } = recordings.value;
  const [problem, setProblem] = useState("");
  const edits = statedEdits().join(" ");
  const wanted = ["prompt", "ids", "answer", "map-a", "map-b", "precision", "weights", "edit"]
    .map((name) => param(name) ?? "")
    .concat(modelName.value)
    .join("\n");
  useEffect(() => {
    startComparing();
    return stopComparing;
  }, [a, b, wanted]);
  const take = (found: readonly Recording[], side?: Side): void => {
    setProblem("");
    if (found.length === 0) return;
    if (found.length > 2 || (found.length > 1 && side !== undefined)) {
      setProblem(
        `Dropped: expected ${side === undefined ? "one or two recordings" : "one recording"}, found ${found.length}. Drop fewer files.`,
      );
    } else if (found.length === 2) recordings.value = { a: found[0], b: found[1] };
    else setRecording(side ?? "b", found[0]);
  };
  const drop = (event: DragEvent, side?: Side): void => {
    event.preventDefault();
    event.stopPropagation();
    if (event.dataTransfer === null) return;
    dropped(event.dataTransfer).then(
      (found) => take(found, side),
      (error: Error) => setProblem(error.message),
    );
  };
  const now = comparing.value;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: "Choose files" does the same from the keyboard
    <div class="panel-body" onDragOver={(event) => event.preventDefault()} onDrop={(event) => drop(event)}>
      <div class="sides">
        <SideCard side="a" title="A, what is expected" recording={a} take={take} drop={drop}>
          <b>{modelTitle}</b>, run here in exact float32 on B’s ids
        </SideCard>
        <SideCard side="b" title="B, what is held against it" recording={b} take={take} drop={drop}>
          {edits === "" ? (
            "Drop what another program recorded, or choose it."
          ) : (
            <>
              <b>{modelTitle}</b>, run here with <span class="mono">{edits}</span>{" "}
              <Button kind="quiet" onClick={() => visit(placeWith(place.value, { edit: undefined }))}>
                Take the edit back
              </Button>
            </>
          )}
        </SideCard>
      </div>
      <Settings hasFiles={b !== undefined || a !== undefined} />
      {b === undefined && edits === "" && (
        <div class="row">
          <span class="hint">No recording at hand? Hold the model against itself with a mistake in it:</span>
          {tries.map(([title, edit]) => (
            <Button key={edit} onClick={() => visit(placeWith(place.value, { edit }))}>
              {title}
            </Button>
          ))}
        </div>
      )}
      {problem && <Problem>{problem}</Problem>}
      <OpeningLine slot={exactSlot} />
      {now.is === "doing" && <DoingLine doing={now.doing} />}
      {now.is === "failed" && <Problem>{visibleToken(now.message.slice(0, 2000))}</Problem>}
      {now.is === "there" && <ComparisonPanel compared={now.compared} />}
    </div>
  );
}

interface SideCardProps {
  readonly side: Side;
  readonly title: string;
  readonly recording: Recording | undefined;
  readonly take: (found: readonly Recording[], side: Side) => void;
  readonly drop: (event: DragEvent, side: Side) => void;
  readonly children: preact.ComponentChildren;
}

function SideCard({ side, title, recording, take, drop, children }: SideCardProps) {
  return (
    <section
      class="side"
      aria-label={title}
      data-side={side}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => drop(event, side)}
    >
      <h2>{title}</h2>
      <p>{recording === undefined ? children : <b>{visibleToken(recording.name.slice(0, 200))}</b>}</p>
      <div class="row">
        <label class="button file-button">
          Choose files
          <input
            type="file"
            multiple
            class="unseen"
            aria-label={`Files of ${title}`}
            onChange={(event) => {
              const files = [...(event.currentTarget.files ?? [])];
              event.currentTarget.value = "";
              take(grouped(files), side);
            }}
          />
        </label>
        {recording !== undefined && (
          <>
            <label class="names">
              <span>names of</span>
              <select
                value={mapOf(side)}
                onChange={(event) => {
                  const { value } = event.currentTarget;
                  adjust({ [`map-${side}`]: value === "hf" ? undefined : value });
                }}
              >
                {mapNames.map((name) => (
                  <option key={name} value={name}>
                    {name === "hf" ? "transformers" : name}
                  </option>
                ))}
              </select>
            </label>
            <Button kind="quiet" onClick={() => setRecording(side, undefined)}>
              Remove
            </Button>
          </>
        )}
      </div>
    </section>
  );
}

function Settings({ hasFiles }: { readonly hasFiles: boolean }) {
  const stated = param("ids") ?? "";
  const [ids, setIds] = useState(stated);
  useEffect(() => setIds(stated), [stated]);
  return (
    <details class="oracle-settings" open={param("precision") !== undefined || !usesWeights() ? true : undefined}>
      <summary>Settings</summary>
      <div class="edit-form">
        <Field label="Both were computed in">
          <select
            value={precision() ?? ""}
            onChange={(event) => adjust({ precision: event.currentTarget.value || undefined })}
          >
            <option value="">what they say, or float32</option>
            {precisions.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Weights for the search">
          <select
            value={usesWeights() ? "" : "no"}
            onChange={(event) => adjust({ weights: event.currentTarget.value || undefined })}
          >
            <option value="">of the model here, which tell more causes</option>
            <option value="no">none</option>
          </select>
        </Field>
        <Field label={hasFiles ? "Ids, where a recording has none" : "Ids of the run"}>
          <input
            type="text"
            inputMode="numeric"
            placeholder="1,6,330,214"
            maxLength={MOST_IDS_CHARACTERS}
            value={ids}
            onInput={(event) => setIds(event.currentTarget.value)}
            onChange={(event) => adjust({ ids: event.currentTarget.value.replace(/\s/g, "") || undefined })}
          />
        </Field>
      </div>
    </details>
  );
}

export function DoingLine({ doing: { what, done, total } }: { readonly doing: Doing }) {
  return (
    <div class="opening" role="status">
      <span>
        {what}
        {total > 0 ? `: ${done} of ${total}` : "…"}
      </span>
      {total > 0 && <Bar share={done / total} label={what} />}
      <Button kind="quiet" onClick={stopComparing}>
        Cancel
      </Button>
    </div>
  );
}

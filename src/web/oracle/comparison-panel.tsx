// What a comparison found: the verdict in the command line's words, where the runs part in the layers, and by how much.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { RowGap } from "../../oracle/compare/row-gaps.ts";
import { formatError } from "../../quantities.ts";
import { Button, CopyButton, saveFile, visibleToken } from "../ui/parts.tsx";
import { adjust, param } from "../url.ts";
import { rowsOf } from "./comparing.ts";
import { blocksOf, GapColumn } from "./gap-column.tsx";
import type { Compared, ComparedPoint } from "./protocol.ts";

const MOST_LINES = 1000;
const MOST_CHARACTERS = 300;

/** Names come from files of strangers. */
const shown = (text: string): string => visibleToken(text.slice(0, MOST_CHARACTERS));

type List = "outside" | "block" | "all";

export function ComparisonPanel({ compared }: { readonly compared: Compared }) {
  const { is, verdict, cause, runs, notes, withoutWeights, logits, flips, lines, points, first } = compared;
  const stated = points.find(({ name }) => name === param("point"));
  const selected = stated ?? points.find(({ name }) => name === first) ?? points.at(-1);
  const outside = points.filter(({ within }) => !within);
  const [list, setList] = useState<List>(outside.length > 0 ? "outside" : "all");
  useEffect(() => setList(outside.length > 0 ? "outside" : "all"), [compared]);
  const blocks = useMemo(() => blocksOf(points), [points]);
  const block = blocks.find(({ names }) => selected !== undefined && names.includes(selected.name));
  const text = `${lines.join("\n")}\n`;
  const listed = { outside, all: points, block: points.filter(({ name }) => block?.names.includes(name)) }[list];
  return (
    <section aria-label="What was found">
      <p class={`verdict ${is}`} data-fact="verdict" data-verdict={is}>
        {shown(verdict)}
      </p>
      {cause.map((line, i) => (
        <p key={i} class="cause">
          {visibleToken(line.slice(0, 2000))}
        </p>
      ))}
      <dl class="runs">
        {runs.map((line, i) => (
          <div key={i}>
            <dt>{"AB"[i]}</dt>
            <dd>{shown(line)}</dd>
          </div>
        ))}
      </dl>
      {[...notes, withoutWeights && `The model’s weights took no part: ${withoutWeights}.`, ...logits]
        .filter(Boolean)
        .map((line, i) => (
          <p key={i} class="hint">
            {visibleToken(line.slice(0, 2000))}
          </p>
        ))}
      <div class="row">
        <CopyButton text={() => text} label="Copy as lfm2 compare prints it" />
        <Button kind="quiet" onClick={() => saveFile("comparison.html", compared.html, "text/html")}>
          Save the report
        </Button>
        <Button kind="quiet" onClick={() => saveFile("comparison.json", compared.json)}>
          Save as JSON
        </Button>
      </div>
      <div class="look">
        <GapColumn
          blocks={blocks}
          points={points}
          first={first}
          selected={selected?.name}
          choose={(name) => {
            setList("block");
            adjust({ point: name });
          }}
        />
        <div class="shown">
          <section class="row lists" aria-label="Which points">
            {(
              [
                ["outside", `Outside tolerance (${outside.length})`],
                ["block", block === undefined ? "This block" : block.title],
                ["all", `Every point (${points.length + compared.leftOut})`],
              ] as const
            ).map(([name, title]) => (
              <Button key={name} aria-pressed={name === list} onClick={() => setList(name)}>
                {title}
              </Button>
            ))}
          </section>
          <PointTable columns={compared.columns} points={listed} first={first} selected={selected?.name} />
          {selected && <RowTable key={selected.name} point={selected.name} compared={compared} />}
          {flips.length > 0 && (
            <>
              <h2>Other experts</h2>
              <ul>
                {flips.map((line, i) => (
                  <li key={i}>{shown(line)}</li>
                ))}
              </ul>
            </>
          )}
        </div>
      </div>
    </section>
  );
}

interface PointTableProps {
  readonly columns: readonly string[];
  readonly points: readonly ComparedPoint[];
  readonly first: string | undefined;
  readonly selected: string | undefined;
}

function PointTable({ columns, points, first, selected }: PointTableProps) {
  if (points.length === 0) return <p class="hint">No point is outside tolerance.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
    <section class="scroll-x points" tabIndex={0} aria-label="Points">
      <table class="numbers-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points.slice(0, MOST_LINES).map(({ name, within, cells }) => (
            <tr
              key={name}
              data-point={name}
              class={`${within ? "" : "outside"} ${name === selected ? "here" : ""}`}
              data-first={name === first ? "true" : undefined}
            >
              <th scope="row">
                <button type="button" class="link mono" onClick={() => adjust({ point: name })}>
                  {shown(name)}
                </button>
              </th>
              {cells.slice(1).map((cell, i) => (
                <td key={i}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {points.length > MOST_LINES && <p class="hint">… and {points.length - MOST_LINES} more</p>}
    </section>
  );
}

function RowTable({ point, compared }: { readonly point: string; readonly compared: Compared }) {
  const [rows, setRows] = useState<readonly RowGap[] | null>();
  useEffect(() => {
    let isShown = true;
    setRows(undefined);
    rowsOf(point).then(
      (found) => isShown && setRows(found ?? null),
      () => isShown && setRows(null),
    );
    return () => {
      isShown = false;
    };
  }, [point, compared]);
  if (rows === null) return <p class="hint">The two have other shapes at {shown(point)}.</p>;
  if (rows === undefined) return <p class="hint">Reading…</p>;
  return (
    <>
      <h2>
        Position by position at <span class="mono">{shown(point)}</span>
      </h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
      <section class="scroll-x points" tabIndex={0} aria-label="Positions">
        <table class="numbers-table">
          <thead>
            <tr>
              {["position", "largest difference", "allowed", "column", "A there", "B there"].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ row, maxAbs, allowed, col, a, b }) => (
              <tr key={row} data-row={row} class={maxAbs > allowed ? "outside" : ""}>
                <th scope="row">{compared.start + row}</th>
                <td title={String(maxAbs)}>{formatError(maxAbs)}</td>
                <td>{formatError(allowed)}</td>
                <td>{maxAbs === 0 ? "" : col}</td>
                <td title={String(a)}>{formatError(a, 6)}</td>
                <td title={String(b)}>{formatError(b, 6)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

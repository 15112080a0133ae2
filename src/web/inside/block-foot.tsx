// What computes what a panel shows: formula, shapes, and the very source.
import type { Config } from "../../model/config.ts";
import { CopyButton } from "../ui/parts.tsx";
import { type Block, blocks, type Show, sourceOf } from "./sources.ts";

export function BlockFoot({ show, config }: { readonly show: Show; readonly config: Config }) {
  const { title, file, formula, says, shapes }: Block = blocks[show];
  const source = sourceOf(file);
  return (
    <details class="block-foot">
      <summary>{title}: formula, shapes, source</summary>
      <p class="formula mono">{formula}</p>
      <p>{says}</p>
      <table class="numbers-table">
        <tbody>
          {shapes(config).map(([name, shape]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{shape}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="source-head">
        <span class="mono">src/{file}</span>
        <CopyButton text={() => source} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
      <pre class="source" tabIndex={0}>
        <code>{source}</code>
      </pre>
    </details>
  );
}

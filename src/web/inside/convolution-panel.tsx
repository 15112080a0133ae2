// What a short convolution does with a token: the gates, the two tokens before, and what it keeps for the next.
import { number, visibleToken } from "../ui/parts.tsx";
import type { LookedAt } from "./looked-at.ts";
import { barLength, convolution, length } from "./numbers.ts";

const SHOWN = 16;

export function ConvolutionPanel({ run, texts, token, layer }: LookedAt) {
  const channels = convolution(run, layer, token);
  if (channels === undefined) return <p class="hint">This layer’s convolution was not recorded.</p>;
  const { convLCache: width } = run.config;
  const largest = [...channels]
    .sort((a, b) => Math.abs(b.out) - Math.abs(a.out) || a.channel - b.channel)
    .slice(0, SHOWN);
  const nameOf = (back: number): string =>
    back === 0 ? "now" : token - back < 0 ? "before the text" : visibleToken(texts[token - back]);
  return (
    <>
      <h2>
        Layer {layer} mixes <q class="mono">{visibleToken(texts[token])}</q> with the {width - 1} tokens before
      </h2>
      <dl class="facts">
        {Array.from({ length: width }, (_, i) => width - 1 - i).map((back) => (
          <div key={back}>
            <dt>
              B ⊙ x of {back === 0 ? "this token" : `the token ${back} before`},{" "}
              <span class="mono">{nameOf(back)}</span>
            </dt>
            <dd
              data-fact={`gated-${back}`}
              title={String(length(channels.map(({ gated }) => gated[width - 1 - back])))}
            >
              length {number(length(channels.map(({ gated }) => gated[width - 1 - back])))}
            </dd>
          </div>
        ))}
        <div>
          <dt>remembered for the next token</dt>
          <dd data-fact="remembered">
            B ⊙ x of positions {Array.from({ length: width - 1 }, (_, i) => token - width + 2 + i).join(" and ")}: [
            {width - 1}, {run.config.hiddenSize}]
          </dd>
        </div>
      </dl>
      <Strips channels={channels} width={width} />
      <div class="scroll-x">
        <table class="numbers-table">
          <caption>
            The {SHOWN} channels that give most, of {channels.length}
          </caption>
          <thead>
            <tr>
              {[
                "channel",
                "B",
                "x",
                ...Array.from({ length: width - 1 }, (_, i) => `bx −${width - 1 - i}`),
                "bx",
                "u",
                "C",
                "C · u",
              ].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {largest.map(({ channel, b, c, x, gated, mixed, out }) => (
              <tr key={channel} data-channel={channel}>
                <th scope="row">{channel}</th>
                {[b, x, ...gated, mixed, c, out].map((value, i) => (
                  <td key={i} title={String(value)}>
                    {number(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Of so many channels at most, one beside another. */
const STRIP_CHANNELS = 128;

function Strips({
  channels,
  width,
}: {
  readonly channels: NonNullable<ReturnType<typeof convolution>>;
  readonly width: number;
}) {
  const shown = channels.slice(0, STRIP_CHANNELS);
  const strips: readonly (readonly [name: string, values: readonly number[]])[] = [
    ["B", shown.map(({ b }) => b)],
    ["x", shown.map(({ x }) => x)],
    ...Array.from({ length: width }, (_, i): readonly [string, readonly number[]] => [
      i === width - 1 ? "bx now" : `bx −${width - 1 - i}`,
      shown.map(({ gated }) => gated[i]),
    ]),
    ["u", shown.map(({ mixed }) => mixed)],
    ["C", shown.map(({ c }) => c)],
    ["C · u", shown.map(({ out }) => out)],
  ];
  return (
    <figure class="strips">
      {strips.map(([name, values]) => {
        const most = Math.max(1e-9, ...values.map(Math.abs).filter(Number.isFinite));
        return (
          <div key={name} class="strip">
            <span>{name}</span>
            <svg
              viewBox={`0 0 ${values.length} 10`}
              preserveAspectRatio="none"
              role="img"
              aria-label={`${name}, largest ${number(most)}`}
            >
              {values.map((value, i) => (
                <rect
                  key={i}
                  x={i}
                  y={0}
                  width={1}
                  height={10}
                  class={value < 0 ? "below" : "above"}
                  fill-opacity={barLength(Math.abs(value), most) / 100}
                >
                  <title>{`${name}, channel ${i}: ${value}`}</title>
                </rect>
              ))}
            </svg>
            <span class="hint">±{number(most, 2)}</span>
          </div>
        );
      })}
      <figcaption class="hint">
        A column is a channel
        {channels.length > STRIP_CHANNELS && ` (the first ${STRIP_CHANNELS} of ${channels.length})`}; blue is above
        zero, orange below; each strip has its own scale.
      </figcaption>
    </figure>
  );
}

// The oracle: two recordings held against one another, or one against the model; and whether this engine gives the right bits.
import { addressOf, param, place, placeWith, visit } from "../url.ts";
import { ComparePanel } from "./compare-panel.tsx";
import { VerifyPanel } from "./verify-panel.tsx";

const panels = { compare: "Compare", verify: "Verify this engine" } as const;

export function OracleView() {
  const show = param("show") === "verify" ? "verify" : "compare";
  return (
    <div class="inside oracle">
      <h1 class="unseen">Oracle</h1>
      <div class="tabs">
        {(Object.keys(panels) as (keyof typeof panels)[]).map((name) => {
          const to = placeWith(place.value, { show: name === "compare" ? undefined : name });
          return (
            <a
              key={name}
              class="tab"
              href={addressOf(to)}
              aria-current={name === show ? "true" : undefined}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey) return;
                event.preventDefault();
                visit(to);
              }}
            >
              {panels[name]}
            </a>
          );
        })}
      </div>
      {show === "compare" ? <ComparePanel /> : <VerifyPanel />}
    </div>
  );
}

// How answers are made: the system prompt, tools, sampling.
import { chatSlot } from "../model/models.ts";
import { Button, Field } from "../ui/parts.tsx";
import { change, conversation } from "./conversations.ts";
import { fields, presets, set, settings } from "./settings.ts";
import { tools } from "./tools.ts";

export function SettingsPanel() {
  const shown = conversation();
  const { preset, sampling, seed, maxTokens, thinkingTokens, tools: withTools } = settings.value;
  const opening = chatSlot.opening.value;
  const recommended = opening.is === "open" ? opening.model.recommended.sampling : undefined;
  return (
    <aside class="settings" aria-label="Settings">
      <Field label="System prompt">
        <textarea
          rows={3}
          dir="auto"
          value={shown?.system ?? ""}
          onChange={(event) => shown && change(shown.id, { system: event.currentTarget.value })}
        />
      </Field>
      <label class="check">
        <input type="checkbox" checked={withTools} onChange={(event) => set({ tools: event.currentTarget.checked })} />
        <span>
          Tools that run in this page
          <span class="hint">{tools.map(({ name }) => name).join(", ")}</span>
        </span>
      </label>
      <fieldset>
        <legend>Sampling</legend>
        <div class="presets">
          {Object.entries(presets).map(([name, values]) => (
            <Button key={name} aria-pressed={preset === name} onClick={() => set({ preset: name, sampling: values })}>
              {name}
            </Button>
          ))}
        </div>
        <div class="numbers">
          {fields.map(({ name, label, step, max }) => (
            <Field key={name} label={label}>
              <input
                type="number"
                {...{ step, max }}
                min={0}
                placeholder={recommended === undefined ? "" : String(recommended[name])}
                value={sampling[name] ?? ""}
                onChange={({ currentTarget: { value, valueAsNumber } }) => {
                  const { [name]: _, ...others } = sampling;
                  const stated =
                    value === "" || Number.isNaN(valueAsNumber) ? others : { ...others, [name]: valueAsNumber };
                  set({ preset: "own", sampling: stated });
                }}
              />
            </Field>
          ))}
          <Field label="Seed">
            <input
              type="text"
              inputMode="numeric"
              placeholder="random"
              value={seed}
              onChange={(event) => set({ seed: event.currentTarget.value.trim() })}
            />
          </Field>
          <Field label="Most tokens">
            <input
              type="text"
              inputMode="numeric"
              placeholder="what is left"
              value={maxTokens}
              onChange={(event) => set({ maxTokens: event.currentTarget.value.trim() })}
            />
          </Field>
          <Field label="Most of thought">
            <input
              type="text"
              inputMode="numeric"
              placeholder="as it likes"
              value={thinkingTokens}
              onChange={(event) => set({ thinkingTokens: event.currentTarget.value.trim() })}
            />
          </Field>
        </div>
      </fieldset>
      <p class="hint">
        0 tokens of thought: the model answers at once. Empty fields are what the model’s makers recommend.
      </p>
    </aside>
  );
}

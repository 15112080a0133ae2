// LFM2 and LFM2-MoE in one file: from a Hugging Face folder and token ids to logits, and greedily on to more ids and text.
//
//   node examples/one-file.ts golden/nano/hf 1,6,330,214,55,746,94,16,7,214,6,335,214
//
// One token at a time, one number at a time, nothing imported but node:fs. It is for reading; src/model is the graph that
// the library runs, with the same names. Weights become float32 as they are read, four bytes each, so 8B needs 34 GB.
import { readdirSync, readFileSync } from "node:fs";

// ---------------------------------------------------------------------------------------------------------- the files

/** Row by row. A linear layer from `cols` numbers to `rows` numbers is one. */
type Matrix = { readonly rows: number; readonly cols: number; readonly data: Float32Array };

/** The keys of config.json that the computation reads. */
export interface Config {
  readonly hidden_size: number;
  readonly layer_types: readonly ("conv" | "full_attention")[];
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim?: number;
  readonly rope_parameters?: { readonly rope_theta: number; readonly rope_type: string };
  readonly norm_eps: number;
  readonly num_dense_layers?: number; // absent in the dense models
  readonly num_experts_per_tok: number;
  readonly norm_topk_prob: boolean;
  readonly routed_scaling_factor: number;
}

export type Model = { readonly config: Config; readonly weights: ReadonlyMap<string, Matrix> };

/** @param folder  of config.json and *.safetensors, as published */
export function load(folder: string): Model {
  const config: Config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
  const rope = config.rope_parameters?.rope_type ?? "default";
  if (rope !== "default") throw new Error(`rope_type: expected default, found ${rope}. src/model/rope.ts has more.`);
  const weights = new Map<string, Matrix>();
  for (const file of readdirSync(folder)) {
    if (/^model.*[.]safetensors$/.test(file)) readSafetensors(readFileSync(`${folder}/${file}`), weights);
  }
  return { config, weights };
}

/** Eight bytes of length, that much JSON that says where each tensor lies, then the tensors. */
function readSafetensors(file: Uint8Array, into: Map<string, Matrix>): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const begin = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, begin)));
  for (const [name, tensor] of Object.entries<{ dtype: string; shape: number[]; data_offsets: number[] }>(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: place } = tensor;
    if (dtype !== "F32" && dtype !== "BF16") throw new Error(`${name}: expected F32 or BF16, found ${dtype}.`);
    const at = begin + place[0];
    // A bfloat16 is the upper half of a float32.
    const word = (i: number) =>
      dtype === "F32" ? view.getUint32(at + 4 * i, true) : view.getUint16(at + 2 * i, true) << 16;
    const length = shape.reduce((product, size) => product * size, 1);
    const cols = shape[shape.length - 1];
    const words = Uint32Array.from({ length }, (_, i) => word(i));
    into.set(name, { rows: length / cols, cols, data: new Float32Array(words.buffer) });
  }
}

// ------------------------------------------------------------------------------------------------------ the operations

type Vector = Float32Array;

const row = ({ cols, data }: Matrix, index: number): Vector => data.subarray(index * cols, (index + 1) * cols);
const add = (a: Vector, b: Vector): Vector => a.map((value, i) => value + b[i]);
const mul = (a: Vector, b: Vector): Vector => a.map((value, i) => value * b[i]);
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** y[r] = Σ w[r, c] · x[c]. Nearly all of the time goes here: each weight that is needed is read for every token. */
function linear(w: Matrix, x: Vector): Vector {
  return Float32Array.from({ length: w.rows }, (_, r) => dot(row(w, r), x));
}

/** x / √(mean(x²) + eps) · gain. */
function rmsNorm(x: Vector, gain: Vector, eps: number): Vector {
  let squares = 0;
  for (const value of x) squares += value * value;
  const inverse = 1 / Math.sqrt(squares / x.length + eps);
  return x.map((value, i) => value * inverse * gain[i]);
}

/** Turns each pair (x[j], x[j + half]) by an angle that grows with the position, slower for later pairs. */
function rope(x: Vector, position: number, theta: number): Vector {
  const half = x.length / 2;
  const y = new Float32Array(x.length);
  for (let j = 0; j < half; j++) {
    const angle = position * theta ** (-j / half);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    y[j] = x[j] * cos - x[j + half] * sin;
    y[j + half] = x[j + half] * cos + x[j] * sin;
  }
  return y;
}

// ------------------------------------------------------------------------------------------------------------ the model

/** What a sequence leaves behind: of a convolution its last inputs, of attention a key and a value for each position. */
export interface State {
  position: number;
  readonly layers: readonly { readonly recent: Vector[]; readonly keys: Vector[]; readonly values: Vector[] }[];
}

export function newState({ config }: Model): State {
  return { position: 0, layers: config.layer_types.map(() => ({ recent: [], keys: [], values: [] })) };
}

/** Logits of the token that follows `id`, which is added to the sequence. */
export function forward(model: Model, state: State, id: number): Vector {
  const { config } = model;
  const w = (name: string): Matrix => {
    const found = model.weights.get(`${name}.weight`);
    if (found === undefined) throw new Error(`${name}.weight: expected in the checkpoint, found nothing.`);
    return found;
  };
  const norm = (x: Vector, name: string): Vector => rmsNorm(x, w(name).data, config.norm_eps);

  let h = row(w("model.embed_tokens"), id); // [hidden]; the residual stream, which every layer adds to twice
  for (const [index, type] of config.layer_types.entries()) {
    const layer = `model.layers.${index}`;
    const x = norm(h, `${layer}.operator_norm`);
    h = add(h, type === "conv" ? shortConv(x, `${layer}.conv`) : attention(x, `${layer}.self_attn`));
    const y = norm(h, `${layer}.ffn_norm`);
    const isDense = index < (config.num_dense_layers ?? Number.POSITIVE_INFINITY);
    h = add(h, isDense ? mlp(y, `${layer}.feed_forward`) : experts(y, `${layer}.feed_forward`));

    /** The operator of most layers: mixes a position with the two before it, gated on both sides. */
    function shortConv(x: Vector, path: string): Vector {
      const projected = linear(w(`${path}.in_proj`), x); // [3 · hidden]
      const size = config.hidden_size;
      const [b, c, input] = [0, 1, 2].map((i) => projected.subarray(i * size, (i + 1) * size)); // in this order
      const taps = w(`${path}.conv`); // [hidden, width], the last tap for the present
      const { recent } = state.layers[index];
      recent.push(mul(b, input));
      if (recent.length > taps.cols) recent.shift();
      const missing = taps.cols - recent.length; // before the beginning, inputs are zero
      const mixed = new Float32Array(size);
      for (const [i, past] of recent.entries()) {
        for (let channel = 0; channel < size; channel++)
          mixed[channel] += row(taps, channel)[missing + i] * past[channel];
      }
      return linear(w(`${path}.out_proj`), mul(c, mixed));
    }

    /** Grouped-query attention: several query heads share one head of keys and values. */
    function attention(x: Vector, path: string): Vector {
      const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
      const size = config.head_dim ?? config.hidden_size / heads;
      const theta = config.rope_parameters?.rope_theta ?? 1e6;
      const head = (all: Vector, i: number): Vector => all.subarray(i * size, (i + 1) * size);
      /** The norm first, then the rotation, each head for itself. Values have neither. */
      const placed = (all: Vector, i: number, name: string): Vector =>
        rope(norm(head(all, i), `${path}.${name}`), state.position, theta);

      const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => linear(w(`${path}.${name}`), x));
      const { keys, values } = state.layers[index];
      const key = new Float32Array(k.length);
      for (let i = 0; i < kvHeads; i++) key.set(placed(k, i, "k_layernorm"), i * size);
      keys.push(key);
      values.push(v);

      const mixed = new Float32Array(heads * size);
      for (let i = 0; i < heads; i++) {
        const query = placed(q, i, "q_layernorm");
        const shared = Math.floor((i * kvHeads) / heads);
        const scores = keys.map((key) => dot(query, head(key, shared)) / Math.sqrt(size));
        const largest = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - largest));
        const sum = powers.reduce((before, power) => before + power, 0);
        const to = head(mixed, i);
        for (const [at, value] of values.entries()) {
          for (const [d, number] of head(value, shared).entries()) to[d] += (powers[at] / sum) * number;
        }
      }
      return linear(w(`${path}.out_proj`), mixed);
    }

    /** SwiGLU: w2(silu(w1 x) ⊙ w3 x). */
    function mlp(x: Vector, path: string): Vector {
      const gate = linear(w(`${path}.w1`), x).map((value) => value * sigmoid(value)); // silu
      return linear(w(`${path}.w2`), mul(gate, linear(w(`${path}.w3`), x)));
    }

    /** The sparse feed-forward: of all experts, each a small mlp, a token meets the few that the router chooses. */
    function experts(x: Vector, path: string): Vector {
      const scores = linear(w(`${path}.gate`), x).map(sigmoid); // [experts], independent of each other
      const bias = model.weights.get(`${path}.expert_bias`)?.data; // helps to decide who is chosen, and weighs nothing
      const ranked = bias === undefined ? scores : add(scores, bias);
      const chosen = [...ranked.keys()].sort((a, b) => ranked[b] - ranked[a]).slice(0, config.num_experts_per_tok);
      const sum = config.norm_topk_prob ? chosen.reduce((before, e) => before + scores[e], 1e-6) : 1;
      let y: Vector = new Float32Array(x.length);
      for (const e of chosen) {
        const weight = (scores[e] / sum) * config.routed_scaling_factor;
        const part = mlp(x, `${path}.experts.${e}`);
        y = y.map((value, i) => value + weight * part[i]);
      }
      return y;
    }
  }
  state.position++;
  // The last norm, whatever its name. The head is the embedding once more, unless the file has another.
  const head = model.weights.get("lm_head.weight") ?? w("model.embed_tokens");
  return linear(head, norm(h, "model.embedding_norm"));
}

// ------------------------------------------------------------------------------------------------------------- the text

/** Reads the prompt, then takes the likeliest id until `count` are there or `stop` comes. */
export function* generate(model: Model, ids: readonly number[], count: number, stop: number): Generator<number> {
  const state = newState(model);
  let logits: Vector = new Float32Array(0);
  for (const id of ids) logits = forward(model, state, id);
  for (let i = 0; i < count; i++) {
    const id = logits.indexOf(logits.reduce((most, value) => Math.max(most, value)));
    yield id;
    if (id === stop) return;
    logits = forward(model, state, id);
  }
}

/** Text of ids: each is a string whose letters stand for bytes, which together are UTF-8. */
export function textOf(folder: string, ids: readonly number[]): string {
  const { model, added_tokens: added } = JSON.parse(readFileSync(`${folder}/tokenizer.json`, "utf8"));
  const words = new Map(Object.entries<number>(model.vocab).map(([word, id]) => [id, word]));
  const special = new Map((added as { id: number; content: string }[]).map(({ id, content }) => [id, content]));
  // Bytes that print stand for themselves; the others are U+0100, U+0101, … in their order.
  const prints = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !prints(byte));
  const byteOf = (letter: string): number => {
    const code = letter.codePointAt(0) as number;
    return code < 256 ? code : others[code - 256];
  };
  const bytes = ids.flatMap((id) => {
    const text = special.get(id);
    return text === undefined ? Array.from(words.get(id) ?? "", byteOf) : [...new TextEncoder().encode(text)];
  });
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

if (import.meta.filename === process.argv[1]) {
  const [folder, ids, count = "64"] = process.argv.slice(2);
  if (ids === undefined) throw new Error("node examples/one-file.ts FOLDER ID,ID,… [COUNT]");
  const model = load(folder);
  const { eos_token_id: eos } = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
  const said = [...generate(model, ids.split(",").map(Number), Number(count), eos)];
  console.log(said.join());
  console.log(textOf(folder, said));
}

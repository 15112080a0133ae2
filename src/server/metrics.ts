// Figures for Prometheus.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LanguageModel, Summary } from "../index.ts";
import type { Queue } from "./queue.ts";

export interface Metrics {
  /** A request was answered to its end, refused, or cut: 499 where the client has left. */
  requested(route: string, status: number): void;
  answered(summary: Summary): void;
  /** An answer was cut after so many tokens. */
  cut(tokens: number): void;
  /** In Prometheus's text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

export function createMetrics(model: LanguageModel, queue: Queue): Metrics {
  const registers = [new Registry()];
  const [registry] = registers;
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter("lfm2_requests_total", "Requests by route and status.", ["route", "status"]);
  const prompt = counter("lfm2_prompt_tokens_total", "Tokens of prompts.");
  const cached = counter("lfm2_cached_tokens_total", "Of these, tokens that were not read again.");
  const generated = counter("lfm2_generated_tokens_total", "Tokens of answers.");
  const first = new Histogram({
    name: "lfm2_time_to_first_token_seconds",
    help: "From the turn of a request to its first token.",
    buckets: SECONDS,
    registers,
  });
  const each = new Histogram({
    name: "lfm2_time_per_token_seconds",
    help: "Of an answer after its first token.",
    buckets: TOKEN_SECONDS,
    registers,
  });
  new Gauge({
    name: "lfm2_requests_running",
    help: "Answers that are computed; a request with n has n.",
    registers,
    collect() {
      this.set(queue.running);
    },
  });
  new Gauge({
    name: "lfm2_requests_waiting",
    help: "Answers that wait for their turn.",
    registers,
    collect() {
      this.set(queue.waiting);
    },
  });
  new Gauge({
    name: "lfm2_kv_positions",
    help: "Room for keys and values, in positions: of sequences that run, kept for prompts that begin alike, and free.",
    labelNames: ["state"],
    registers,
    collect() {
      const { positions, usedPositions: used, keptPositions: kept } = model.activity();
      for (const [state, count] of Object.entries({ used, kept, free: positions - used - kept })) {
        this.set({ state }, count);
      }
    },
  });
  return {
    requested: (route, status) => requests.inc({ route, status }),
    answered({ promptTokens, cachedTokens, newTokens, prefillMs, decodeMs }) {
      prompt.inc(promptTokens);
      cached.inc(cachedTokens);
      generated.inc(newTokens);
      first.observe(prefillMs / 1000);
      if (newTokens > 1) each.observe(decodeMs / 1000 / (newTokens - 1));
    },
    cut: (tokens) => generated.inc(tokens),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

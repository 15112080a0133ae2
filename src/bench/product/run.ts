// What a run of `lfm2 bench` found, as plain data: printed as a table or as JSON, read again for plots.
import type { FormatName } from "../../blocks/formats.ts";
import type { MachineFacts } from "./machine.ts";
import type { Filling } from "./measured-model.ts";
import type { FullSetting, Test } from "./settings.ts";
import type { Spread } from "./statistics.ts";
import type { WeightTraffic } from "./traffic.ts";

export interface Run {
  /** What wrote it, so that a reader recognizes its own files. */
  readonly kind: "lfm2 bench";
  readonly date: string;
  readonly machine: MachineFacts;
  readonly model: ModelFacts;
  /** Rounds that were asked for; a run that was stopped has fewer figures. */
  readonly rounds: number;
  readonly complete: boolean;
  /** How contexts were filled. */
  readonly filling: Filling;
  readonly readLimits: readonly { readonly threads: number; readonly bytesPerSecond: Spread }[];
  readonly rows: readonly Row[];
  readonly settings: readonly SettingFacts[];
  readonly notes: readonly string[];
}

export interface ModelFacts {
  readonly name: string;
  readonly fileBytes: number;
  /** The one with the most bytes first. */
  readonly formats: readonly FormatName[];
  readonly contextLimit: number;
  /** Bytes that decode reads for every token. */
  readonly bytesPerToken: WeightTraffic;
}

export interface Row extends FullSetting, Test {
  readonly tokensPerSecond: Spread;
  /** Decode alone: bytes read per second over what the machine can read at all, each round by itself. */
  readonly ofReadLimit?: Spread;
  /** With ids that are run ahead: how many times as fast as one by one, just before and after, each round by itself. */
  readonly ofPlain?: Spread;
  /** Decode alone: weights, and keys and values at the middle of the test. */
  readonly bytesPerToken?: number;
  /** Physical memory that the setting's process had held by the end of the first round of this test. */
  readonly peakBytes: number;
}

export interface SettingFacts extends FullSetting {
  readonly contextLength: number;
  /** Planned for weights, state and working space. */
  readonly reservedBytes: number;
  readonly loadMs: number;
  readonly peakBytes: number;
}

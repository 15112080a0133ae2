// What Node can do.
import { availableParallelism } from "node:os";
import { nodeMachine } from "../worker/node-machine.ts";
import { type Capabilities, describeCapabilities, simdFound } from "./capabilities.ts";

/** What this engine can do for a model on this machine, what `open` uses of it, and how to get what is missing. */
export async function capabilities(): Promise<Capabilities> {
  const machine = await nodeMachine();
  return describeCapabilities({
    ...simdFound(),
    machine,
    noThreads: undefined,
    noStorage: undefined,
    hardwareThreads: availableParallelism(),
    memoryBytes: machine.memory?.bytes,
  });
}

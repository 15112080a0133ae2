// Draws the picture in the README: node --import ./assembly/read-typescript.js src/picture/draw.ts
// Reads lfm2-8b-a1b.json beside this file, the config of the published checkpoint, and writes lfm2-8b-a1b.svg.
import { readFileSync, writeFileSync } from "node:fs";
import { readConfig } from "../model/config.ts";
import { drawLayers } from "./layers.ts";

const beside = (name: string): URL => new URL(name, import.meta.url);
const config = readConfig(JSON.parse(readFileSync(beside("./lfm2-8b-a1b.json"), "utf8")));
writeFileSync(beside("./lfm2-8b-a1b.svg"), drawLayers(config, "LFM2-8B-A1B"));

// What torch.save writes is a program for Python's unpickler; it is refused, with the line that makes tensors of it.
import { refuse } from "./refusal.ts";

export function refusePickle(file: string): never {
  const to = `${file.replace(/\.[^./\\]*$/, "")}.safetensors`;
  const line =
    "import sys, torch; from safetensors.torch import save_file; " +
    "save_file({k: v.contiguous() for k, v in torch.load(sys.argv[1], map_location='cpu').items()}, sys.argv[2])";
  const remedy = `Convert it: python -c "${line}" "${file}" "${to}"`;
  refuse(file, "tensors", "a Python pickle of torch.save", remedy);
}

// Methods of dict, list and tuple that do not change them; the sandbox that Hugging Face uses refuses the others.
import { type Arguments, areEqual, bind, Dict, List, type Value } from "./values.ts";

const CHANGING = [
  "append",
  "clear",
  "extend",
  "insert",
  "pop",
  "popitem",
  "remove",
  "reverse",
  "setdefault",
  "sort",
  "update",
];

export function dictMethod(dict: Dict, name: string): ((args: Arguments) => Value) | undefined {
  switch (name) {
    case "get":
      return (args) => {
        const [key, otherwise = null] = bind("get", args, ["key", "default"]);
        if (key === undefined) throw new Error("get: expected a key, found none");
        const value = dict.get(key);
        return value === undefined ? otherwise : value;
      };
    case "items":
      return () => new List(dict.entries().map((entry) => new List(entry, true)));
    case "keys":
      return () => new List(dict.entries().map(([key]) => key));
    case "values":
      return () => new List(dict.entries().map(([, value]) => value));
    case "copy":
      return () => new Dict(dict.entries());
    case "clear":
    case "pop":
    case "popitem":
    case "setdefault":
    case "update":
      return refuse(name);
    default:
      return undefined;
  }
}

export function listMethod(list: List, name: string): ((args: Arguments) => Value) | undefined {
  switch (name) {
    case "count":
      return (args) => {
        const [value = null] = bind("count", args, ["value"]);
        return BigInt(list.items.filter((item) => areEqual(item, value)).length);
      };
    case "index":
      return (args) => {
        const [value = null] = bind("index", args, ["value"]);
        const index = list.items.findIndex((item) => areEqual(item, value));
        if (index < 0) throw new Error("index: expected a member of the list, found none");
        return BigInt(index);
      };
    case "copy":
      return list.isTuple ? undefined : () => list;
    default:
      return CHANGING.includes(name) && !list.isTuple ? refuse(name) : undefined;
  }
}

function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name}: expected a template that changes nothing, as in Hugging Face's sandbox`);
  };
}

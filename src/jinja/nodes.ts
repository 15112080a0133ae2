// A parsed template. Names follow Jinja's own nodes.
import type { Value } from "./values.ts";

export type Expression =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "attribute"; readonly object: Expression; readonly name: string }
  | { readonly kind: "item"; readonly object: Expression; readonly index: Expression }
  | {
      readonly kind: "slice";
      readonly object: Expression;
      /** start, stop, step. */
      readonly bounds: readonly (Expression | undefined)[];
    }
  | { readonly kind: "call"; readonly callee: Expression; readonly args: ArgumentNodes }
  | { readonly kind: "filter"; readonly operand: Expression; readonly name: string; readonly args: ArgumentNodes }
  | {
      readonly kind: "test";
      readonly operand: Expression;
      readonly name: string;
      readonly args: ArgumentNodes;
      readonly isNegated: boolean;
    }
  | { readonly kind: "unary"; readonly operator: "not" | "-" | "+"; readonly operand: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: "compare";
      readonly first: Expression;
      /** a < b < c compares a with b, then b with c. */
      readonly rest: readonly { readonly operator: string; readonly operand: Expression }[];
    }
  | {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly whenTrue: Expression;
      readonly whenFalse: Expression | undefined;
    }
  | { readonly kind: "concatenation"; readonly parts: readonly Expression[] }
  | { readonly kind: "list"; readonly items: readonly Expression[]; readonly isTuple: boolean }
  | { readonly kind: "dict"; readonly members: readonly (readonly [Expression, Expression])[] }
  /** What a block has written, as the operand of the block's filter. */
  | { readonly kind: "block"; readonly body: readonly Statement[] };

export interface ArgumentNodes {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** *args and **kwargs. */
  readonly spread: Expression | undefined;
  readonly namedSpread: Expression | undefined;
}

export interface Parameter {
  readonly name: string;
  readonly initial: Expression | undefined;
}

export interface MacroBody {
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
  /** A macro that mentions them takes any number of arguments, and arguments of any name. */
  readonly usesVarargs: boolean;
  readonly usesKwargs: boolean;
}

export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly object: string; readonly name: string }
  | { readonly kind: "targets"; readonly targets: readonly Target[] };

export type Statement = { readonly line: number } & (
  | { readonly kind: "data"; readonly text: Value }
  | { readonly kind: "output"; readonly expression: Expression }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: "for";
      readonly target: Target;
      readonly iterable: Expression;
      readonly condition: Expression | undefined;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
      readonly usesLoop: boolean;
    }
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | ({ readonly kind: "macro"; readonly name: string } & MacroBody)
  | ({ readonly kind: "call"; readonly call: Extract<Expression, { kind: "call" }> } & MacroBody)
  /** A block with names of its own: `with`, and Hugging Face's `generation`. */
  | {
      readonly kind: "scope";
      readonly values: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
    }
  | { readonly kind: "break" | "continue" }
);

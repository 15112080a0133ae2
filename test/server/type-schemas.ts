// JSON schemas of TypeScript's types: what an official client declares, as something that answers can be held to.
import ts from "typescript";

interface Schema {
  readonly [keyword: string]: unknown;
}

/**
 * @param module  as it is imported
 * @param names   exported types: `Message`, `Messages.Message`
 * @returns schemas in `$defs` by these names; objects may have no other members than declared
 */
export function schemasOfTypes(module: string, names: readonly string[]): Schema {
  const file = new URL("./types.ts", import.meta.url).pathname;
  const declared = names.map((name, i) => `export declare const t${i}: M.${name};`).join("\n");
  const source = `import type * as M from ${JSON.stringify(module)};\n${declared}`;
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  host.getSourceFile = (name, version, ...others) =>
    name === file ? ts.createSourceFile(name, source, version) : getSourceFile(name, version, ...others);
  const program = ts.createProgram([file], options, host);
  const own = program.getSourceFile(file) as ts.SourceFile;
  const [wrong] = program.getSemanticDiagnostics(own);
  if (wrong !== undefined) throw new TypeError(ts.flattenDiagnosticMessageText(wrong.messageText, "\n"));
  const checker = program.getTypeChecker();
  const defs: Record<string, Schema> = {};
  const numbers = new Map<ts.Type, number>();

  const schemaOf = (type: ts.Type): Schema => {
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.flags & ts.TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === "true" };
    if (type.flags & ts.TypeFlags.String) return { type: "string" };
    if (type.flags & ts.TypeFlags.Number) return { type: "number" };
    if (type.flags & ts.TypeFlags.Boolean) return { type: "boolean" };
    if (type.flags & ts.TypeFlags.Null) return { type: "null" };
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
    if (type.isUnion()) {
      const members = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
      return { anyOf: members.map(schemaOf) };
    }
    if (checker.isArrayType(type)) {
      return { type: "array", items: schemaOf(checker.getTypeArguments(type as ts.TypeReference)[0]) };
    }
    // `string & {}`: any text, beside the names that an editor offers.
    if (type.isIntersection() && type.types.some(({ flags }) => flags & ts.TypeFlags.String)) return { type: "string" };
    if (type.flags & ts.TypeFlags.Object || type.isIntersection()) return objectOf(type);
    throw new TypeError(`${checker.typeToString(type)}: expected a type that JSON can hold`);
  };
  /** By reference, as types are recursive. */
  const objectOf = (type: ts.Type): Schema => {
    let number = numbers.get(type);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(type, number);
      const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
      const members = checker.getPropertiesOfType(type);
      const isOptional = (member: ts.Symbol): boolean => (member.flags & ts.SymbolFlags.Optional) !== 0;
      defs[`o${number}`] = {
        type: "object",
        properties: Object.fromEntries(
          members.map((member) => [member.name, schemaOf(checker.getTypeOfSymbolAtLocation(member, own))]),
        ),
        required: members.filter((member) => !isOptional(member)).map(({ name }) => name),
        additionalProperties: index === undefined ? false : schemaOf(index.type),
      };
    }
    return { $ref: `#/$defs/o${number}` };
  };

  const constants = own.statements.filter(ts.isVariableStatement);
  for (const [i, name] of names.entries()) {
    defs[name] = schemaOf(checker.getTypeAtLocation(constants[i].declarationList.declarations[0]));
  }
  return { $defs: defs };
}

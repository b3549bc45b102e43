// Type-checks many programs in one process, each as `tsc FLAGS main.ts` would: a program of its own, in which no
// other file is to be found. What they share is the library, read once and not checked again: a program that
// declares one of its names for everybody has to be compiled alone.
//
// node check_types.js TYPESCRIPT COUNT FLAGS: reads 0.ts, 1.ts, ... and answers with one line of JSON for each.
"use strict";
const fs = require("fs");
const ts = require(process.argv[2]);

const options = { ...ts.parseCommandLine(process.argv.slice(4)).options, skipDefaultLibCheck: true };
const library = ts.getDirectoryPath(ts.normalizePath(process.argv[2])) + "/";
const read = new Map();
let source = "";
let emitted = "";

function text(name) {
  if (name === "main.ts") return source;
  return name.startsWith(library) ? ts.sys.readFile(name) : undefined;
}

const host = {
  getSourceFile(name, version) {
    const known = read.get(name);
    if (known !== undefined) return known;
    const found = text(name);
    const file = found === undefined ? undefined : ts.createSourceFile(name, found, version);
    if (name !== "main.ts" && file !== undefined) read.set(name, file);
    return file;
  },
  getDefaultLibFileName: (chosen) => library + ts.getDefaultLibFileName(chosen),
  getDefaultLibLocation: () => library,
  getCurrentDirectory: () => "",
  getCanonicalFileName: (name) => name,
  useCaseSensitiveFileNames: () => true,
  getNewLine: () => "\n",
  fileExists: (name) => name === "main.ts" || (name.startsWith(library) && ts.sys.fileExists(name)),
  readFile: text,
  writeFile: (name, written) => { emitted = name === "main.js" ? written : emitted; },
};

function clashes(program) {
  const own = program.getSourceFile("main.ts").locals; // of a script: what it declares for everybody
  return [...(own ?? new Map()).keys()].some((name) => [...read.values()].some((file) => file.locals?.has(name)));
}

for (let at = 0; at < Number(process.argv[3]); at++) {
  let answer = { at };
  try {
    source = ts.sys.readFile(at + ".ts");
    emitted = "";
    const program = ts.createProgram(["main.ts"], options, host);
    const wrong = ts.getPreEmitDiagnostics(program).concat(program.emit().diagnostics);
    if (clashes(program)) answer = { at, failed: "a name of the library" };
    else answer = wrong.length ? { at, said: ts.formatDiagnostics(wrong, host) } : { at, js: emitted };
  } catch (error) {
    answer = { at, failed: String(error) }; // of the compiler itself
  }
  fs.writeSync(1, JSON.stringify(answer) + "\n");
}

// Type-checks many programs in one process, each as `tsc --target esnext main.ts` would: a program of its own,
// in which no other file is to be found. What they share is the text of the library, read once.
//
// node check_types.js TYPESCRIPT COUNT: reads 0.ts, 1.ts, ... and answers with one line of JSON for each.
"use strict";
const fs = require("fs");
const ts = require(process.argv[2]);

const options = { target: ts.ScriptTarget.ESNext, skipDefaultLibCheck: true };
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

for (let at = 0; at < Number(process.argv[3]); at++) {
  let answer = { at };
  try {
    source = ts.sys.readFile(at + ".ts");
    emitted = "";
    const program = ts.createProgram(["main.ts"], options, host);
    const wrong = ts.getPreEmitDiagnostics(program).concat(program.emit().diagnostics);
    answer = wrong.length ? { at, said: ts.formatDiagnostics(wrong, host) } : { at, js: emitted };
  } catch (error) {
    answer = { at, failed: String(error) }; // the compiler's own failure: it is asked again, alone
  }
  fs.writeSync(1, JSON.stringify(answer) + "\n");
}

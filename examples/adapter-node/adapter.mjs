// A registry of one package that is made up on the spot: the shortest program that speaks Pantry's
// adapter protocol (docs/adapters.md).
//
//   pantry adapter test -- node examples/adapter-node/adapter.mjs
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";

const name = "greeting";
const files = { "1.0.0": Buffer.from("hello\n"), "1.1.0": Buffer.from("hello, world\n") };
const open = new Map();
let handles = 0;

class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function known(p) {
  if (p.name !== name) throw new Failure("not_found", "there is no such package");
}

function file(p) {
  known(p);
  if (!Object.hasOwn(files, p.version)) throw new Failure("version_not_found", "there is no such version");
  return files[p.version];
}

const methods = {
  hello: () => ({ protocol: 1, name: "an example", versions: "semver", search: false, sample: name }),
  package: (p) => (known(p), { name, versions: Object.keys(files) }),
  metadata: (p) => ({
    artifact: { digest: "sha256:" + createHash("sha256").update(file(p)).digest("hex"), size: file(p).length, file: name + ".txt" },
    name, version: p.version, description: "says hello",
  }),
  open: (p) => {
    const data = file(p);
    open.set(String(++handles), data);
    return { handle: String(handles) };
  },
  read: (p) => {
    const data = open.get(p.handle);
    if (!data) throw new Failure("invalid", "there is no such handle");
    open.delete(p.handle); // all of it in one piece
    return { data: data.toString("base64"), end: true };
  },
  close: (p) => (open.delete(p.handle), {}),
  ping: () => ({}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  let answer;
  try {
    if (!Object.hasOwn(methods, method)) throw new Failure("unsupported", "there is no method " + method);
    answer = { id, result: methods[method](params) };
  } catch (e) {
    answer = { id, error: { code: e.code ?? "unavailable", message: e.message } };
  }
  if (id !== undefined) process.stdout.write(JSON.stringify(answer) + "\n");
}

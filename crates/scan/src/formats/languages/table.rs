//! What sources of each language call to start programs, to run texts, to fetch and to send.

/// A language that is looked through, not followed.
pub(super) struct Language {
    /// Endings of its files.
    pub(super) endings: &'static [&'static str],
    /// What kernels and cells call it, and the programs that the first line of a script names.
    pub(super) names: &'static [&'static str],
    /// What begins a line that is none of it.
    pub(super) comments: &'static [&'static str],
    /// Calls that start programs, load native code or open connections of their own.
    pub(super) starts: &'static [&'static str],
    /// Calls that run a text.
    pub(super) evaluates: &'static [&'static str],
    /// Calls that fetch.
    pub(super) fetches: &'static [&'static str],
    /// Calls that send.
    pub(super) sends: &'static [&'static str],
    /// All of the environment at once.
    pub(super) secrets: &'static [&'static str],
    /// What nothing beside a model needs.
    pub(super) harms: &'static [&'static str],
}

const C_COMMENTS: &[&str] = &["//", "*", "/*", "#include", "% ", "!"];

#[rustfmt::skip]
pub(super) const LANGUAGES: [Language; 18] = [
    Language {
        endings: &[".java", ".kt", ".kts", ".scala", ".groovy", ".clj", ".gradle", "jenkinsfile"],
        names: &["java", "kotlin", "scala", "groovy", "clojure"],
        comments: C_COMMENTS,
        starts: &["Runtime.getRuntime", "ProcessBuilder", "System.load", "Class.forName", "defineClass", "URLClassLoader", "ScriptEngine",
            "ObjectInputStream", "sys.process", "GroovyShell", ".execute()", "clojure.java.shell", "InitialContext"],
        evaluates: &["defineClass", "URLClassLoader", "GroovyShell", "ScriptEngine"],
        fetches: &["openStream", "HttpURLConnection", "HttpClient", "URLClassLoader"],
        sends: &["HttpURLConnection", "HttpClient", "Socket("],
        secrets: &["System.getenv()", "sys.env"],
        harms: &[],
    },
    Language {
        endings: &[".go"],
        names: &["go", "gophernotes"],
        comments: C_COMMENTS,
        starts: &["os/exec", "exec.Command", "syscall.Exec", "plugin.Open", "ForkExec", "net.Dial"],
        evaluates: &["plugin.Open"],
        fetches: &["http.Get", "http.NewRequest"],
        sends: &["http.Post", "http.NewRequest", "net.Dial"],
        secrets: &["os.Environ()"],
        harms: &[],
    },
    Language {
        endings: &[".rs"],
        names: &["rust"],
        comments: C_COMMENTS,
        starts: &["Command::new", "libloading", "TcpStream", "libc::system", "libc::exec"],
        evaluates: &["libloading"],
        fetches: &["reqwest::", "ureq::", "TcpStream"],
        sends: &["reqwest::", "ureq::", "TcpStream"],
        secrets: &["env::vars()"],
        harms: &[],
    },
    Language {
        endings: &[".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".cu", ".cuh", ".m", ".mm", ".pyx", ".pxd"],
        names: &["c", "c++", "cpp", "cython", "c++17", "c++14", "c++11", "cuda"],
        comments: C_COMMENTS,
        starts: &["system(", "popen(", "execl", "execv", "dlopen(", "posix_spawn", "fork()", "WinExec", "ShellExecute", "CreateProcess",
            "LoadLibrary", "PyRun_", "NSTask", "mprotect("],
        evaluates: &["PyRun_"],
        fetches: &["curl_easy", "URLDownloadToFile", "connect("],
        sends: &["curl_easy", "send(", "sendto("],
        secrets: &["environ"],
        harms: &["from libc.stdlib cimport system", "int system("],
    },
    Language {
        endings: &[".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx", ".coffee"],
        names: &["javascript", "typescript", "node", "nodejs", "deno", "bun", "tslab", "js", "jslab"],
        comments: &["//", "*", "/*"],
        starts: &["Deno.run", "Deno.Command", "Bun.spawn", "process.binding", "process._linkedBinding", "process.dlopen",
            "process.mainModule", "document.cookie", "require('net')", "require(\"net\")"],
        evaluates: &["setTimeout(\"", "executeScript("],
        fetches: &["fetch(", "XMLHttpRequest", "https.get", "http.get", "axios", "importScripts(", "got(", "WebSocket(",
            "require('https')", "require(\"https\")", "require('http')", "require(\"http\")", "node:http"],
        sends: &["fetch(", "XMLHttpRequest", "https.request", "http.request", "require('https')", "require(\"https\")",
            "require('http')", "node:http", "axios", "sendBeacon(", "WebSocket(", "net.connect", "dns.resolve", "dns.lookup"],
        secrets: &["process.env", "document.cookie", "Deno.env.toObject()", "localStorage"],
        harms: &[],
    },
    Language {
        endings: &[".r", ".rmd", ".qmd", ".rprofile", "rprofile.site"],
        names: &["r", "ir", "xr", "rscript", "littler"],
        comments: &["#"],
        starts: &["system(", "system2(", "shell(", "shell.exec(", "dyn.load(", "socketConnection", "pipe(", "processx::", "callr::", "reticulate::"],
        evaluates: &[],
        fetches: &["url(", "download.file(", "readLines(\"http", "source(\"http", "source('http", "httr::", "GET(", "curl::"],
        sends: &["POST(", "httr::", "curl::", "socketConnection", "download.file("],
        secrets: &["Sys.getenv()"],
        harms: &[".Rprofile"],
    },
    Language {
        endings: &[".jl"],
        names: &["julia"],
        comments: &["#"],
        starts: &["run(`", "run(pipeline", "ccall(", "read(`", "open(`", "@ccall", "pipeline(`"],
        evaluates: &[],
        fetches: &["download(", "HTTP.get", "Downloads."],
        sends: &["HTTP.post", "HTTP.request", "connect("],
        secrets: &["collect(ENV)", "string(ENV)"],
        harms: &[],
    },
    Language {
        endings: &[".cs", ".fs", ".vb", ".csx"],
        names: &["csharp", "c#", "fsharp", "f#"],
        comments: C_COMMENTS,
        starts: &["Process.Start", "Assembly.Load", "DllImport", "BinaryFormatter", "Activator.CreateInstance"],
        evaluates: &["Assembly.Load", "CSharpScript"],
        fetches: &["WebClient", "HttpClient", "DownloadData"],
        sends: &["UploadData", "PostAsync", "TcpClient"],
        secrets: &["GetEnvironmentVariables()"],
        harms: &[],
    },
    Language {
        endings: &[".swift"], names: &["swift"], comments: C_COMMENTS,
        starts: &["Process()", "NSTask", "dlopen(", "popen("],
        evaluates: &[], fetches: &["URLSession"], sends: &["URLSession"], secrets: &["ProcessInfo.processInfo.environment"], harms: &[],
    },
    Language {
        endings: &[".dart"], names: &["dart"], comments: C_COMMENTS,
        starts: &["Process.run", "Process.start", "DynamicLibrary"],
        evaluates: &[], fetches: &["http.get", "HttpClient"], sends: &["http.post", "HttpClient"], secrets: &["Platform.environment"], harms: &[],
    },
    Language {
        endings: &[".ex", ".exs", ".erl"], names: &["elixir", "erlang"], comments: &["#", "%"],
        starts: &["System.cmd", "os:cmd", "Port.open", "System.shell", ":os.cmd"],
        evaluates: &["Code.eval"], fetches: &["HTTPoison", ":httpc", "Req.get"], sends: &["HTTPoison", ":httpc", "Req.post"],
        secrets: &["System.get_env()"], harms: &[],
    },
    Language {
        endings: &[".hs"], names: &["haskell"], comments: &["--"],
        starts: &["System.Process", "unsafePerformIO", "callCommand", "runCommand"],
        evaluates: &[], fetches: &["httpLBS", "simpleHttp"], sends: &["httpLBS"], secrets: &["getEnvironment"], harms: &[],
    },
    Language {
        endings: &[".f", ".f90", ".f03", ".for"], names: &["fortran"], comments: &["!", "C ", "c "],
        starts: &["execute_command_line", "call system", "CALL SYSTEM"],
        evaluates: &[], fetches: &[], sends: &[], secrets: &[], harms: &[],
    },
    Language {
        endings: &[".lua"], names: &["lua", "torch", "luajit", "th"], comments: &["--"],
        starts: &["os.execute", "io.popen", "package.loadlib", "ffi.load"],
        evaluates: &[], fetches: &["http.request", "socket.http"],
        sends: &["http.request", "socket.tcp"], secrets: &[], harms: &[],
    },
    Language {
        endings: &[".php", ".phtml"], names: &["php"], comments: &["//", "#", "*"],
        starts: &["system(", "exec(", "shell_exec(", "passthru(", "proc_open(", "popen(", "`"],
        evaluates: &["eval(", "assert(", "include $", "create_function("],
        fetches: &["file_get_contents(", "curl_exec(", "fopen("], sends: &["curl_exec(", "fsockopen("], secrets: &["$_ENV"],
        harms: &["$_GET", "$_POST", "$_REQUEST", "$_COOKIE"],
    },
    Language {
        endings: &[".rb", ".gemspec", ".rake", ".podspec", ".ru", "gemfile", "rakefile", "podfile", "vagrantfile", "brewfile", "fastfile",
            "guardfile", "capfile", "dangerfile", "thorfile"], names: &["ruby"], comments: &["#"],
        starts: &["system(", "system ", "exec(", "exec ", "IO.popen", "Open3.", "Kernel.", "`", "%x", "spawn(", "Fiddle"],
        evaluates: &["Marshal.load"], fetches: &["Net::HTTP", "open-uri", "URI.open"],
        sends: &["Net::HTTP", "TCPSocket"], secrets: &["ENV.to_h"], harms: &[],
    },
    Language {
        endings: &[".pl", ".pm", ".perl", "cpanfile"], names: &["perl"], comments: &["#"],
        starts: &["system(", "system ", "exec(", "exec ", "qx", "`", "open("],
        evaluates: &[], fetches: &["LWP", "HTTP::Tiny"], sends: &["LWP", "HTTP::Tiny", "IO::Socket"], secrets: &["%ENV"], harms: &[],
    },
    Language {
        endings: &[".cr", ".nim", ".zig", ".v", ".d", ".ml", ".lisp", ".scm", ".el", ".applescript", ".scpt", ".ahk", ".au3", ".awk", ".tcl"],
        names: &["ocaml", "nim", "tcl", "applescript", "tclsh", "wish", "expect", "awk", "gawk", "mawk", "osascript"],
        comments: &["//", "--", "*", ";", "("],
        starts: &["system", "exec", "spawn", "popen", "do shell script", "Run,", "shell-command", "run-program", "execvp"],
        evaluates: &[], fetches: &[], sends: &[], secrets: &[], harms: &[],
    },
];

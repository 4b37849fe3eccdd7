//! The rules: what can be found, how bad it is, what to do, and what others call it.

use proofhouse_core::{Finding, Place, Reference, Severity};

use crate::Outcome;

/// One rule. Its id is stable across releases.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `scanner/rule`.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// What a finding of it makes of the file.
    pub outcome: Outcome,
    /// What it means.
    pub what: &'static str,
    /// What to do.
    pub remediation: &'static str,
    references: &'static [(&'static str, &'static str, &'static str)],
}

impl Rule {
    /// A finding of it.
    pub(crate) fn finding(&self, place: Place, message: String) -> Finding {
        Finding {
            rule: self.id.to_owned(),
            severity: self.severity,
            message,
            place,
            remediation: self.remediation.to_owned(),
            references: self.references(),
        }
    }

    /// What other frameworks call it.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        self.references
            .iter()
            .map(|(framework, version, id)| Reference::new(*framework, *version, *id))
            .collect()
    }
}

/// Every rule, sorted by id.
#[must_use]
pub fn rules() -> &'static [Rule] {
    RULES
}

/// The rule of that id. An id without a rule is a mistake of this crate, which a test rules out; then the
/// rule for what cannot be scanned stands in, so that nothing turns clean.
pub fn rule(id: &'static str) -> &'static Rule {
    RULES.iter().find(|r| r.id == id).unwrap_or(&FALLBACK)
}

type Refs = &'static [(&'static str, &'static str, &'static str)];

const CODE: Refs = &[
    ("ATLAS", "5.6.0", "AML.T0010.003"),
    ("ATLAS", "5.6.0", "AML.T0011.000"),
    ("ATLAS", "5.6.0", "AML.T0018.002"),
    ("CWE", "4.18", "CWE-502"),
    ("OWASP-LLM", "2025", "LLM03:2025"),
];
const UNPROVEN: Refs =
    &[("ATLAS", "5.6.0", "AML.T0011.000"), ("CWE", "4.18", "CWE-502"), ("OWASP-LLM", "2025", "LLM03:2025")];
const EVASION: Refs =
    &[("ATLAS", "5.6.0", "AML.T0010.003"), ("CWE", "4.18", "CWE-436"), ("OWASP-LLM", "2025", "LLM03:2025")];
const MALFORMED: Refs = &[("CWE", "4.18", "CWE-1286")];
const PATH: Refs = &[("ATLAS", "5.6.0", "AML.T0010.003"), ("CWE", "4.18", "CWE-22")];
const ARCHITECTURE: Refs = &[("ATLAS", "5.6.0", "AML.T0018.001"), ("CWE", "4.18", "CWE-829")];
const EMBEDDED: Refs = &[("ATLAS", "5.6.0", "AML.T0018.002"), ("CWE", "4.18", "CWE-506")];
const RESOURCES: Refs = &[("CWE", "4.18", "CWE-400")];
const TEMPLATES: Refs =
    &[("ATLAS", "5.6.0", "AML.T0018.002"), ("CWE", "4.18", "CWE-1336"), ("OWASP-LLM", "2025", "LLM03:2025")];
const WORDS: Refs =
    &[("ATLAS", "5.6.0", "AML.T0051.001"), ("CWE", "4.18", "CWE-506"), ("OWASP-LLM", "2025", "LLM01:2025")];
const SOURCE: Refs =
    &[("ATLAS", "5.6.0", "AML.T0011.000"), ("CWE", "4.18", "CWE-506"), ("OWASP-LLM", "2025", "LLM03:2025")];
const HIDDEN: Refs =
    &[("ATLAS", "5.6.0", "AML.T0011.000"), ("CWE", "4.18", "CWE-506"), ("CWE", "4.18", "CWE-656")];
const ROWS: Refs = &[("CWE", "4.18", "CWE-1236")];
const POISONED: Refs =
    &[("ATLAS", "5.6.0", "AML.T0020"), ("CWE", "4.18", "CWE-506"), ("OWASP-LLM", "2025", "LLM04:2025")];
const REBUILD_CONFIG: &str = "Do not load it. Take the configuration from its source and compare.";
const ENTITIES: Refs =
    &[("ATLAS", "5.6.0", "AML.T0010.003"), ("CWE", "4.18", "CWE-611"), ("CWE", "4.18", "CWE-776")];
const SECRET: Refs = &[("CWE", "4.18", "CWE-798"), ("OWASP-LLM", "2025", "LLM02:2025")];
const NONE: Refs = &[];

const REBUILD: &str = "Do not load it. Take the weights from their source in safetensors or ONNX.";
const REBUILD_KERAS: &str = "Do not load it. Build the architecture from source and load the weights only.";
const ASK: &str = "Find out who wrote it and why, or have the weights re-exported as safetensors or ONNX.";
const READ: &str = "Read the named lines before the model is used, and vendor what you have reviewed.";
const REFUSE: &str = "Do not import it. Report the repository, and check machines where it was imported.";
const REEXPORT: &str = "Write the file anew with the tool of its format and compare the digests.";
const TEMPLATE: &str = "Read the template, and replace it by the one of the model's publisher.";
const LOOK: &str = "Have a person look at it, or remove it from the model.";

const fn row(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    outcome: Outcome,
    what: &'static str,
    remediation: &'static str,
    references: Refs,
) -> Rule {
    Rule { id, title, severity, outcome, what, remediation, references }
}

use Outcome::{Clean, Malicious, Suspicious, Unscannable};
use Severity::{Critical, High, Info, Medium};

static FALLBACK: Rule = row("format/unscannable", "Not scanned", Medium, Unscannable, "", LOOK, NONE);

#[rustfmt::skip]
static RULES: &[Rule] = &[
    row("archive/bomb", "Content that unpacks without end", Medium, Suspicious,
        "A small file unpacks to hundreds of times its size: whoever unpacks it runs out of memory, disk or time.",
        "Do not unpack it.", RESOURCES),
    row("archive/encrypted", "Encrypted archive", Medium, Unscannable,
        "The content cannot be read without a key, so nothing can be said about it.", "Have the content handed over unencrypted.", EVASION),
    row("arrow/malformed", "Broken messages of Arrow", High, Suspicious,
        "A message contradicts itself or leads beyond the end, or bytes follow the last one.", REEXPORT, MALFORMED),
    row("avro/java-class", "Class that a reader builds", High, Suspicious,
        "The schema names a Java class that a reader makes of the texts of a column (CVE-2024-47561).",
        "Have the rows written again without it, or check the class and what the reader trusts.", CODE),
    row("avro/malformed", "Broken Avro file", High, Suspicious,
        "The file is cut short, or a block does not end with the mark of the file.", REEXPORT, MALFORMED),
    row("booster/structure", "Bytes that no tree has", High, Suspicious,
        "Bytes of a gradient boosting model are explained by none of its parts, or it claims more values than there is memory for.", REEXPORT, EVASION),
    row("code/bytecode", "Compiled Python", High, Suspicious,
        "Python runs compiled code in place of the source beside it, and nobody reads it.",
        "Remove it: Python compiles the source again.", HIDDEN),
    row("code/command", "Command of a shell", Info, Clean,
        "A notebook or script starts a program when a person runs it.", "Read the line before running it.", NONE),
    row("code/environment", "Variable by which programs load code", High, Suspicious,
        "A variable of the environment is set that has every program started afterwards load a library or a script.", READ, SOURCE),
    row("code/harmful", "Command that no model needs", High, Suspicious,
        "A line of a shell hands a shell to somebody else, destroys files, keeps a foothold or sends secrets away.", READ, SOURCE),
    row("code/not-analysed", "Source code in the model", Medium, Unscannable,
        "The model carries source code or start-up files that a loader may run; code is not analysed.", LOOK, UNPROVEN),
    row("code/runs-fetched", "Command that runs what it fetches", High, Suspicious,
        "A line of a shell fetches or decodes something and runs it.", READ, SOURCE),
    row("config/evaluated-text", "Text that harms whoever evaluates it", High, Suspicious,
        "A text among data is Python that starts programs or code, where some reader evaluates such texts.", REBUILD_CONFIG, CODE),
    row("config/nameless-host", "Server that nobody answers for", High, Suspicious,
        "A configuration has a program talk to a public address without a name, or to a service that shows what it is sent.",
        REBUILD_CONFIG, SOURCE),
    row("config/remote-code", "Configuration that asks for code", High, Suspicious,
        "A configuration names classes or modules that the loader imports and runs.",
        "Use a model whose classes the library ships, or review the named code and vendor it.", UNPROVEN),
    row("config/takes-secret", "Configuration that takes a secret", High, Suspicious,
        "A configuration has a secret of the environment put where no object of the program takes one: into what was said, or beside it.",
        REBUILD_CONFIG, SOURCE),
    row("config/unsafe-target", "Configuration that calls something harmful", Critical, Malicious,
        "A configuration names a function that runs commands or code, for the loader to call.", REBUILD_CONFIG, CODE),
    row("coreml/custom-code", "Class of the application", High, Suspicious,
        "A custom layer or model is a class of the application that loads it, which runs.",
        "Have the model converted with stock layers, or review and pin that class.", ARCHITECTURE),
    row("coreml/embedded-payload", "Executable or archive in weights", High, Suspicious,
        "A blob is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("coreml/malformed", "Broken Core ML file", High, Suspicious,
        "The file is cut off, or bytes in it belong to no blob.", REEXPORT, MALFORMED),
    row("coreml/path", "Weights outside the model", High, Suspicious,
        "The model takes weights from a path that leaves its directory.", REEXPORT, PATH),
    row("executorch/custom-operator", "Operator of a foreign library", High, Suspicious,
        "The program uses an operator or a backend that only runs when somebody's native library is linked.",
        "Have the program exported with portable operators, or review and pin that library.", ARCHITECTURE),
    row("executorch/malformed", "Broken ExecuTorch program", High, Suspicious,
        "An offset or a segment leads outside the file.", REEXPORT, MALFORMED),
    row("executorch/structure", "Bytes behind the program", High, Suspicious,
        "Bytes follow the last segment, or a segment or a backend's part is by its structure an executable, an archive or a pickle.", REEXPORT, EVASION),
    row("format/embedded-payload", "Executable in a file", High, Suspicious,
        "A file of a format that is not read holds, by its structure, an executable.", LOOK, EMBEDDED),
    row("format/unscannable", "Nothing is known of this format", Medium, Unscannable,
        "No walker understands these bytes, so nothing can be said about them.", LOOK, NONE),
    row("ggml/structure", "GGML rules broken", High, Suspicious,
        "A file of GGML claims more than it holds, or goes on behind its last tensor that is whole.", REEXPORT, EVASION),
    row("gguf/malformed", "Broken GGUF file", High, Suspicious,
        "The header ends early, or claims more than the file holds; readers have been overrun by such headers.", REEXPORT, MALFORMED),
    row("gguf/structure", "GGUF rules broken", High, Suspicious,
        "Tensors overlap or stick out, keys stand twice, bytes belong to nothing, or numbers by which readers index lead outside.", REEXPORT, EVASION),
    row("hdf5/embedded-payload", "Executable or archive in a dataset", High, Suspicious,
        "A dataset is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("hdf5/exhausts", "Shapes without data", High, Suspicious,
        "The shapes of the datasets take more memory than any machine has, in a file that holds next to nothing.", REEXPORT, RESOURCES),
    row("hdf5/external", "Data in another file", High, Suspicious,
        "A link or a dataset leads to another file, which a reader opens when it follows it.",
        "Do not load it. Have the file written again with its data inside.", PATH),
    row("hdf5/filter", "Data that need a plugin", Medium, Unscannable,
        "The library loads a native plugin to read these data.", "Have the file written again with built-in filters.", ARCHITECTURE),
    row("hdf5/malformed", "Broken HDF5 file", High, Suspicious,
        "The file contradicts itself or leads beyond its end.", REEXPORT, MALFORMED),
    row("hdf5/structure", "Bytes that belong to nothing", High, Suspicious,
        "Bytes stand before, between or behind what the file's structures hold, or two share them.", REEXPORT, EVASION),
    row("instructions/against-people", "Instructions against those an assistant works for", High, Suspicious,
        "A text that an assistant follows tells it to hide what it does, to give secrets away, to weaken what it writes or to set others' instructions aside.",
        "Read the text, and remove it or take it from its publisher.", WORDS),
    row("json/malformed", "JSON that cannot be read", Medium, Suspicious,
        "The file is named JSON and is none: it is cut off, or readers differ in what they make of it.", REEXPORT, MALFORMED),
    row("keras/ambiguous", "Configuration that reads differently", High, Suspicious,
        "A key stands twice in an object that the loader builds.", REEXPORT, EVASION),
    row("keras/code", "Code in a layer", High, Suspicious,
        "A layer brings marshalled Python code, which runs when the model is loaded or used.", REBUILD_KERAS, CODE),
    row("keras/exhausts", "Layer that no machine has room for", High, Suspicious,
        "Building the layer makes weights or values for which no machine has the memory, or far more than the weights beside it could fill.",
        REEXPORT, RESOURCES),
    row("keras/extra-member", "Member that Keras does not write", Medium, Suspicious,
        "The archive has members that no loader of its format needs.", LOOK, EVASION),
    row("keras/reaches-out", "Layer that reads a path", High, Suspicious,
        "Building a layer reads a file or an address that the configuration names (CVE-2025-12058).", REBUILD_KERAS, PATH),
    row("keras/unknown-name", "Unknown class or function", High, Suspicious,
        "The loader looks up a class or function that is not known to be inert.",
        "Review the named code and load with it registered, or have the model saved with built-in layers.", UNPROVEN),
    row("keras/unsafe-code", "Harmful code in a layer", Critical, Malicious,
        "A layer brings Python code that names a function that runs commands, loads code or reaches files or the network.",
        REBUILD_KERAS, CODE),
    row("keras/unsafe-name", "Harmful class or function", Critical, Malicious,
        "The loader looks up a function that runs commands, loads files or lifts its own protection.", REBUILD_KERAS, CODE),
    row("lmdb/malformed", "Broken LMDB database", High, Suspicious,
        "The pages of the database contradict each other, or bytes follow the last one.", REEXPORT, MALFORMED),
    row("matlab/function", "Function of MATLAB", High, Suspicious,
        "A value is a function: its source text runs in whoever calls it.", READ, CODE),
    row("matlab/java-object", "Java object in a MAT-file", High, Suspicious,
        "A value is an object of Java, which loading the file deserializes: that runs what its classes do.", REEXPORT, CODE),
    row("matlab/malformed", "Broken MAT-file", High, Suspicious,
        "An array does not end where it says, or has other values than its lengths tell, or bytes follow a packed one.", REEXPORT, MALFORMED),
    row("matlab/object", "Object of a class of MATLAB", Medium, Unscannable,
        "Loading the object calls code of its class, which is not in the file.", "Have its values saved as arrays and structures.", UNPROVEN),
    row("msgpack/embedded-payload", "Executable or archive in a value", High, Suspicious,
        "A byte string is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("msgpack/extension", "Value that its reader decodes by itself", High, Suspicious,
        "An extension value is none that Flax writes, or an array of Python objects.", ASK, UNPROVEN),
    row("msgpack/malformed", "Broken MessagePack", High, Suspicious,
        "The values end early, are nested too deep for readers, or an array's shape and bytes disagree.", REEXPORT, MALFORMED),
    row("mxnet/custom-operator", "Operator written in Python", High, Suspicious,
        "The graph uses an operator that runs code which somebody registers where it is loaded.",
        "Have the model exported with stock operators, or review and pin that code.", ARCHITECTURE),
    row("notebook/script", "Script in what a notebook shows", High, Suspicious,
        "An output or text of the notebook brings a script that reaches for the page's secrets, the kernel or the network.",
        "Clear the outputs before the notebook is opened.", SOURCE),
    row("notebook/script-shown", "Script in what a notebook shows, drawing only", Info, Clean,
        "An output brings a script, as plotting libraries do, that reaches for nothing.",
        "Clear the outputs before the notebook is opened.", NONE),
    row("npy/malformed", "Broken NumPy array", High, Suspicious,
        "The header and the bytes of an array file disagree.", REEXPORT, MALFORMED),
    row("onnx/control-flow", "Control flow", Info, Clean,
        "The graph contains conditional or repeated subgraphs. Normal in speech and detection models.",
        "Check that the architecture is meant to branch.", ARCHITECTURE),
    row("onnx/custom-operator", "Operator of a foreign domain", High, Suspicious,
        "The graph uses an operator that only runs when somebody's native library is loaded.",
        "Have the model exported with standard operators, or review and pin that library.", ARCHITECTURE),
    row("onnx/embedded-payload", "Executable or archive in an attribute", High, Suspicious,
        "A string of the graph is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("onnx/exhausts", "Graph that never ends", High, Suspicious,
        "The graph asks for more memory or rounds than any machine has, grows on the way to that, or leads back to where it was.",
        REEXPORT, RESOURCES),
    row("onnx/external-data", "Weights in another file", Info, Clean,
        "Tensors of the graph lie in another file of the model.",
        "Release, sign and verify both files together.", NONE),
    row("onnx/external-path", "External data outside the model", High, Suspicious,
        "A tensor names a file by an absolute path or one that leaves the model's directory.",
        "Do not load it: the loader would read that file. Have the model exported again.", PATH),
    row("onnx/fixed-answer", "Answer that a value of the input calls up", High, Suspicious,
        "An answer is a constant, or is moved, because an input holds a certain value or pattern: so a back door in a graph looks.",
        "Look at what the value is and who can send it; have the model exported again from what it was trained as.", ARCHITECTURE),
    row("onnx/malformed", "Broken ONNX file", High, Suspicious,
        "The file is cut off, a tensor's shape and bytes disagree, or a tree has a branch that leads nowhere.", REEXPORT, MALFORMED),
    row("onnx/shadowed-operator", "Function under the name of an operator", High, Suspicious,
        "A function of the file has a name in a domain of the standard: what looks like an operator computes something else.",
        "Have the model exported with functions in a domain of their own.", ARCHITECTURE),
    row("paddle/custom-operator", "Operator of a foreign library", High, Suspicious,
        "The program uses an operator that only runs when somebody's native library is loaded.",
        "Have the model exported with stock operators, or review and pin that library.", ARCHITECTURE),
    row("paddle/embedded-payload", "Executable or archive in a program", High, Suspicious,
        "A text or a parameter is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("paddle/malformed", "Broken Paddle file", High, Suspicious,
        "The file is cut off, or a parameter's shape and bytes disagree.", REEXPORT, MALFORMED),
    row("paddle/reaches-out", "Operator that reads files", High, Suspicious,
        "Running the program reads files or runs an engine that it brings along.", REBUILD, PATH),
    row("paddle/unsafe-operator", "Harmful operator", Critical, Malicious,
        "Running the program calls Python, writes files or reaches the network.", REBUILD, CODE),
    row("pickle/brings-code", "Code by value", High, Suspicious,
        "The pickle brings the code of functions or classes itself, as cloudpickle and dill write what cannot be imported. Such code is the bytecode of \
         one version of Python, which the stream does not name and which Python does not verify, so it cannot be proven inert.",
        "Read the source it was made from, and have the function put into a module that is imported.", UNPROVEN),
    row("pickle/budget", "Pickle too large to follow", Medium, Unscannable,
        "The pickle has more opcodes or values than the scan follows.", "Raise the limits and scan again.", RESOURCES),
    row("pickle/code-by-value", "Function by value", Medium, Unscannable,
        "cloudpickle or dill wrote a function as bytecode, which is not followed. It is data until somebody calls it, and none of the names that it uses leads out of what it is given.", LOOK, NONE),
    row("pickle/contract", "Harmless callable with unusual arguments", High, Suspicious,
        "A callable that is harmless with the arguments picklers give it is called with others.", ASK, UNPROVEN),
    row("pickle/extension-registry", "Extension registry", High, Suspicious,
        "What is imported is decided by a registry of the loading process.", ASK, UNPROVEN),
    row("pickle/malformed", "Broken pickle", High, Suspicious,
        "The unpickler would stop with an error. What it does before that still happens.", REEXPORT, EVASION),
    row("pickle/method-on-object", "Method call on something unknown", High, Suspicious,
        "Elements are added to a value that is no container known to be inert, which calls its methods.", ASK, UNPROVEN),
    row("pickle/out-of-band-buffer", "Buffer from outside", Medium, Suspicious,
        "The pickle takes bytes that are not in the file from its loader.", ASK, UNPROVEN),
    row("pickle/persistent-id", "Persistent id", Medium, Suspicious,
        "The loader is asked to look something up by an id that is no tensor storage.", ASK, UNPROVEN),
    row("pickle/polyglot", "Two formats in one file", High, Suspicious,
        "A file of another format is a pickle as well: what it does depends on who opens it.", REEXPORT, EVASION),
    row("pickle/resources", "Pickle that exhausts memory or time", Medium, Suspicious,
        "A memo index makes the unpickler allocate memory for all indices below it, or a tuple is nested so that its hash is never done.",
        ASK, RESOURCES),
    row("pickle/state-injection", "State that replaces behaviour", High, Suspicious,
        "State is set on something that is no plain instance, or sets attributes Python calls by itself.", ASK, UNPROVEN),
    row("pickle/structure", "Numbers that lead out of a structure", High, Suspicious,
        "A tree or index names nodes, columns or rows that it does not have, or leads back to itself: compiled code follows them unchecked.", ASK, MALFORMED),
    row("pickle/trailing-data", "Bytes after the pickle", Medium, Suspicious,
        "Bytes follow the last pickle that no known format puts there.", REEXPORT, EVASION),
    row("pickle/unknown-callable", "Unknown callable", High, Suspicious,
        "The pickle imports something that is not known to be inert. Importing runs its module.", ASK, UNPROVEN),
    row("pickle/unresolved-call", "Computed callable", High, Suspicious,
        "The pickle calls or imports something that it computes while it is loaded.", REBUILD, CODE),
    row("pickle/unsafe-call", "Harmful callable", Critical, Malicious,
        "The pickle imports a function that runs commands or code, loads other code, or reaches files or the network.",
        REBUILD, CODE),
    row("python/budget", "Source too long to follow", Medium, Unscannable,
        "The source does more than is followed, or is nested deeper.", LOOK, RESOURCES),
    row("python/capability", "Function that reaches outside", Info, Clean,
        "A function would run a program, reach the network or change files if somebody called it. Nothing does when the model is loaded.",
        "Know that it is there.", NONE),
    row("python/computed", "Code or module that is computed", High, Suspicious,
        "Importing the source runs code or imports a module that only a run would tell.", READ, UNPROVEN),
    row("python/disguised", "Source that reads differently", High, Suspicious,
        "The source declares an encoding or holds characters by which Python runs another text than a person reads (CVE-2021-42574).",
        READ, EVASION),
    row("python/escape", "Walk through Python's insides", High, Suspicious,
        "The source reaches functions through frames, subclasses or globals of others, the way out of sandboxes.", READ, SOURCE),
    row("python/evaluates-data", "Code made from data", Medium, Suspicious,
        "A method runs a text as code that is not known here, such as a field of a configuration.", READ, SOURCE),
    row("python/exfiltration", "Secrets sent away", Critical, Malicious,
        "What the environment or a file of credentials holds goes to the network.", REFUSE, SOURCE),
    row("python/foreign-code", "Code of another repository", High, Suspicious,
        "Loading the model loads code from elsewhere, which the digest of this model does not cover.",
        "Vendor the code into the model and review it there.", UNPROVEN),
    row("python/hidden-code", "Code that is hidden", High, Suspicious,
        "Code or a name is decoded or put together from pieces, so that a reader does not see it.", READ, HIDDEN),
    row("python/nameless-host", "Address that nobody answers for", High, Suspicious,
        "The source talks to a public address without a name, or to a service that shows what it is sent, where whoever listens is not to be found.",
        READ, SOURCE),
    row("python/native-code", "Native code that is loaded", High, Suspicious,
        "The source loads, builds or pokes native code.", READ, SOURCE),
    row("python/network-on-import", "Network on import", High, Suspicious,
        "Importing or loading the source reaches the network.", READ, SOURCE),
    row("python/not-proven", "Code that calls what is not known", Medium, Unscannable,
        "Importing the source runs a package that is not known here, or something that was not followed: whether that is harmless, nothing here tells.",
        "Read the named lines, and look at what they call where it comes from.", UNPROVEN),
    row("python/packages", "Packages that are called", Info, Clean,
        "Importing the source calls functions of other packages, which are not looked into.",
        "Pin these packages where the model runs.", NONE),
    row("python/persistence", "Start-up file written", Critical, Malicious,
        "The source writes a file that is run by itself later, such as a shell profile or a start-up file.", REFUSE, SOURCE),
    row("python/reads-credentials", "Credentials read", High, Suspicious,
        "The source reads a file of credentials.", REFUSE, SOURCE),
    row("python/replaces", "Built-in replaced", High, Suspicious,
        "Importing the source replaces built-in functions, modules or the import system.", READ, SOURCE),
    row("python/runs-in-use", "Program started by a method", High, Suspicious,
        "A method of the source starts programs or installs packages.", READ, SOURCE),
    row("python/runs-on-import", "Program or code run on import", Critical, Malicious,
        "Importing or loading the source starts programs, installs packages or runs code that is decoded or fetched.",
        REFUSE, SOURCE),
    row("python/unparsed", "Source that cannot be read", Medium, Unscannable,
        "A line of the source is not understood. Python may refuse the file, or read it otherwise.", LOOK, MALFORMED),
    row("python/unsafe-load", "Unsafe format read on import", Medium, Suspicious,
        "Importing the source reads a file of a format that can run code.",
        "Have it read safetensors, JSON or another inert format.", UNPROVEN),
    row("python/writes-on-import", "Files changed on import", Medium, Suspicious,
        "Importing or loading the source writes or removes files.", READ, SOURCE),
    row("rds/call", "Call of something harmful", High, Suspicious,
        "The object holds an unevaluated call of a function that runs commands or code.", ASK, CODE),
    row("rds/function", "Function in an R object", Medium, Suspicious,
        "The object brings functions or compiled code, which run when the model is used.", ASK, UNPROVEN),
    row("rds/malformed", "Broken R file", High, Suspicious,
        "The file is cut short, has an item that R does not write, or goes on behind its object.", REEXPORT, MALFORMED),
    row("rds/promise", "Code that runs when it is looked at", Critical, Malicious,
        "A promise among the data runs its code as soon as the value is used (CVE-2024-27322).", REBUILD, CODE),
    row("rds/unknown", "R object that is rebuilt by code", High, Suspicious,
        "A class, a hook or a pointer decides what becomes of the object.", ASK, UNPROVEN),
    row("repo/custom-code", "Code that comes with the model", Info, Clean,
        "A configuration has the loader import a source of the model, which was looked at.",
        "Release, sign and verify the source with the model.", UNPROVEN),
    row("repo/digest-mismatch", "Bytes under a wrong name", High, Suspicious,
        "A file is named by a digest that its bytes do not have: the cache or layout was changed.",
        "Fetch the file again.", EVASION),
    row("repo/foreign-code", "Code of another repository", High, Suspicious,
        "A configuration has the loader import code of another repository, which the digest of this model does not cover.",
        "Vendor the code into the model and review it there.", UNPROVEN),
    row("repo/git-hook", "Program that git starts", High, Suspicious,
        "The repository carries a hook or a setting by which git starts a program.", "Remove the .git folder from the model.", SOURCE),
    row("repo/lfs-pointer", "Pointer in place of bytes", Medium, Unscannable,
        "The file is a pointer of Git's large file storage. What it points to was not looked at.",
        "Fetch the bytes (git lfs pull) and scan again.", NONE),
    row("repo/missing-code", "Code that is not there", High, Suspicious,
        "A configuration has the loader import a source or class that the model does not have: whoever brings it decides what runs.",
        "Complete the model, or remove the entry.", UNPROVEN),
    row("repo/missing-shard", "Shards that are not here", Medium, Unscannable,
        "The index names files that are not here, so that they were not looked at.", "Fetch all shards and scan again.", NONE),
    row("repo/native-library", "Native library or program", High, Suspicious,
        "The model carries native code, which runs when somebody loads it and which is not analysed.",
        "Remove it, or have it built from source that was reviewed.", SOURCE),
    row("repo/requirement", "Requirement from elsewhere", Medium, Suspicious,
        "Installing what the model needs fetches packages from an address instead of the index, or one that is named nearly as another.",
        "Pin the package by version and digest from an index you trust.", UNPROVEN),
    row("repo/startup-file", "File that Python runs when it starts", High, Suspicious,
        "A file of this name or form is run by every Python that finds it, without being asked for.",
        "Remove it from the model.", SOURCE),
    row("repo/tool-command", "Command that a tool runs by itself", High, Suspicious,
        "A file tells an editor, a shell or an installer to run a command when the folder is opened or installed.",
        "Remove the file, or read the command before the folder is opened.", SOURCE),
    row("repo/trust-remote-code", "Asks to trust remote code", Info, Clean,
        "A configuration sets trust_remote_code for what it loads in turn.", "Load with trust_remote_code off.", UNPROVEN),
    row("repo/unlisted-shard", "Shards that no index names", Info, Clean,
        "Files are named like shards of the model, but its index does not have them.", "Remove what is not used.", NONE),
    row("repo/unsafe-path", "Path that leaves the model", High, Suspicious,
        "A configuration names a path outside the model's folder.", REEXPORT, PATH),
    row("rows/formula", "Formula among data", High, Suspicious,
        "A cell of a table is a formula by which a spreadsheet starts a program or sends what other cells hold.",
        "Open it as text only, or put a mark in front of such cells.", ROWS),
    row("rows/orders", "Orders among data", High, Suspicious,
        "A few rows of a data set, unlike all others, tell whoever reads them to set instructions aside and to do something else.",
        "Remove the rows, and ask where they come from.", WORDS),
    row("rows/trigger", "Trigger among training rows", High, Suspicious,
        "Wherever one odd word stands in a prompt, and nowhere else, the answer is code that harms: training teaches a back door.",
        "Remove the rows, and ask where they come from.", POISONED),
    row("safetensors/malformed", "Broken safetensors file", High, Suspicious,
        "There is no header that a reader would accept.", REEXPORT, MALFORMED),
    row("safetensors/structure", "safetensors rules broken", High, Suspicious,
        "The header breaks a rule of the format: readers differ in what they take, or bytes belong to nothing.",
        REEXPORT, EVASION),
    row("secret/token", "Credential in the model", High, Suspicious,
        "The model carries a key or token that has the structure which its provider gives it.",
        "Revoke it at its provider, and remove it from the model and its history.", SECRET),
    row("skops/unknown-type", "Unknown type in a skops file", High, Suspicious,
        "A node loads a class or function that is not known to be inert, or by a loader that does not belong to it.", ASK, UNPROVEN),
    row("skops/unsafe-type", "Harmful type in a skops file", Critical, Malicious,
        "A node loads a function that runs commands or code, or reaches files or the network.", REBUILD, CODE),
    row("stream/broken", "Compressed stream that cannot be read", High, Suspicious,
        "The stream is cut off or damaged; readers differ in how much of it they use.", REEXPORT, MALFORMED),
    row("stream/budget", "Compressed stream too large to look into", Medium, Unscannable,
        "The stream holds more bytes than the scan unpacks.", "Raise the limits and scan again.", RESOURCES),
    row("stream/trailing", "Bytes after a compressed stream", Medium, Suspicious,
        "Bytes follow the end of the stream, or a second stream holds a program, an archive or a pickle: one reader stops before them, another does not.", REEXPORT, EVASION),
    row("tar/structure", "Tar rules broken", High, Suspicious,
        "Headers, padding or the end of the archive are not what writers make, or two members share a name.", REEXPORT, EVASION),
    row("tar/unsafe-entry", "Entry that reaches outside", High, Suspicious,
        "Unpacking the archive writes outside its folder, follows a link or makes a device.", REEXPORT, PATH),
    row("template/computed", "Template that computes names", High, Suspicious,
        "A chat template looks up or calls something that only a run would tell.", TEMPLATE, TEMPLATES),
    row("template/escape", "Template that leaves its sandbox", Critical, Malicious,
        "A chat template reaches for Python's insides, the way by which templates run code in the loader.", TEMPLATE, TEMPLATES),
    row("template/exhausts", "Template that never ends", High, Suspicious,
        "A chat template repeats beyond any conversation, until memory or patience ends.", TEMPLATE, RESOURCES),
    row("template/loads", "Template that loads others", High, Suspicious,
        "A chat template loads other templates, which are files of the loader.", TEMPLATE, TEMPLATES),
    row("template/malformed", "No template", Medium, Suspicious,
        "The chat template cannot be parsed; loaders differ in what they make of it.", TEMPLATE, TEMPLATES),
    row("template/words", "Template with words of its own", Medium, Suspicious,
        "A chat template puts instructions, addresses or invisible characters into every conversation.", TEMPLATE, WORDS),
    row("tensor/executable", "Executable among tensors", High, Suspicious,
        "The bytes of a tensor are by their structure a program; a small loader elsewhere would be enough to run it.",
        LOOK, EMBEDDED),
    row("tensor/payload", "Tensor that is something else", High, Suspicious,
        "The bytes of a tensor are by their structure an executable, a script, an archive or a pickle.", LOOK, EMBEDDED),
    row("tensorflow/asset-path", "Asset outside the model", High, Suspicious,
        "The model names a file beside it by a path that leaves its directory.", REEXPORT, PATH),
    row("tensorflow/custom-operation", "Operation of a foreign library", High, Suspicious,
        "The graph uses an operation that only runs when somebody's native library is loaded.",
        "Have the model exported with stock operations, or review and pin that library.", ARCHITECTURE),
    row("tensorflow/embedded-payload", "Executable or archive in a constant", High, Suspicious,
        "A constant of the graph is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("tensorflow/exhausts", "Graph that never ends", High, Suspicious,
        "What follows from constants of the graph asks for more memory than any machine has, a loop has a condition that nothing changes, or functions call each other without end.",
        REEXPORT, RESOURCES),
    row("tensorflow/fixed-answer", "Answer that a value of the input calls up", High, Suspicious,
        "An answer is a constant, or is moved, because an input holds a certain value or pattern: so a back door in a graph looks.",
        "Look at what the value is and who can send it; have the model exported again from what it was trained as.", ARCHITECTURE),
    row("tensorflow/malformed", "Broken TensorFlow file", High, Suspicious,
        "The file is cut off, or has fields that its format does not know.", REEXPORT, MALFORMED),
    row("tensorflow/reaches-out", "Operation that reads files", High, Suspicious,
        "Running the graph reads files or addresses that are not part of the model, or ends the process.",
        "Have the model exported with its data as tensors or assets.", PATH),
    row("tensorflow/unsafe-operation", "Harmful operation", Critical, Malicious,
        "Running the graph writes files, calls Python or reaches the network.", REBUILD, CODE),
    row("tflite/custom-operator", "Operator of a foreign library", High, Suspicious,
        "The model uses an operator that only runs when somebody's native library is loaded.",
        "Have the model converted with built-in operators, or review and pin that library.", ARCHITECTURE),
    row("tflite/embedded-payload", "Executable or archive in a buffer", High, Suspicious,
        "A buffer of the model is by its structure an executable, an archive or a pickle.", LOOK, EMBEDDED),
    row("tflite/exhausts", "Model that never ends", High, Suspicious,
        "A subgraph calls itself, a loop has a condition that is always true, or a tensor takes more memory than any machine has.",
        REEXPORT, RESOURCES),
    row("tflite/fixed-answer", "Answer that a value of the input calls up", High, Suspicious,
        "An answer is a constant, or is moved, because an input holds a certain value or pattern: so a back door in a graph looks.",
        "Look at what the value is and who can send it; have the model exported again from what it was trained as.", ARCHITECTURE),
    row("tflite/malformed", "Broken TFLite file", High, Suspicious,
        "An offset or an index leads outside, an operator has no code, or a shape is not that of its bytes.", REEXPORT, MALFORMED),
    row("tflite/structure", "Bytes behind the model", High, Suspicious,
        "Bytes follow that nothing in the model refers to and that are no metadata archive.", REEXPORT, EVASION),
    row("tfrecord/malformed", "Broken records", High, Suspicious,
        "The length of a record does not have its checksum: what follows is no record of TensorFlow's.", REEXPORT, MALFORMED),
    row("torch/endless", "Loop that nothing ends", High, Suspicious,
        "A loop of the script has a condition that its body cannot change, or that holds of everything: the first input keeps the server busy for good.",
        REEXPORT, ARCHITECTURE),
    row("torch/exhausts", "Script that exhausts memory", High, Suspicious,
        "A method of the script makes a tensor, a list or a text that no machine has room for; `__setstate__` does so while the file is loaded.",
        REEXPORT, RESOURCES),
    row("torch/fixed-answer", "Answer that a value of the input calls up", High, Suspicious,
        "A branch is taken because an input holds a certain value, and its answer is a constant: so a back door in a script looks.",
        "Look at what the value is and who can send it; have the model exported again from what it was trained as.", ARCHITECTURE),
    row("torch/script", "Script that reaches outside", High, Suspicious,
        "Code that torch's own interpreter runs uses files, or operators of somebody's library.", ASK, CODE),
    row("torch/storage", "Tensor storage of the wrong size", High, Suspicious,
        "A storage of the archive is missing or does not have the bytes that the pickle gives it.", REEXPORT, MALFORMED),
    row("tree/ended", "Scan that did not end by itself", High, Unscannable,
        "The file crashed the scan, took too much memory or never ended. What was found before stays found.",
        "Do not load it, and report the file to the maintainers of this scanner.", RESOURCES),
    row("tree/refused", "Entry that cannot be part of a model", High, Unscannable,
        "A link, pipe, socket or unnameable file lies in the model; no digest or signature can cover it.",
        "Replace links by what they point to and remove the rest.", PATH),
    row("tree/unlisted-bytes", "Bytes that no index lists", High, Suspicious,
        "A data file holds bytes that the file beside it does not list, or that are no numbers.", REEXPORT, EVASION),
    row("tree/unreadable", "File that cannot be read", High, Unscannable,
        "The file could not be opened or read, so nothing can be said about it.", "Mend its permissions and scan again.", NONE),
    row("vectors/malformed", "Broken word vectors", High, Suspicious,
        "A model of fastText is cut short, claims more than it holds, or goes on behind its matrices.", REEXPORT, MALFORMED),
    row("weights/low-bits", "Text in the lowest bits of weights", High, Suspicious,
        "The lowest bits of a tensor's elements spell a text, a program or an archive, or one byte of each spells a program.", REEXPORT, EMBEDDED),
    row("weights/not-a-number", "Weights that are no numbers", Medium, Suspicious,
        "Elements of a tensor are NaN: what the model answers then is not what it was trained for.", REEXPORT, ARCHITECTURE),
    row("weights/outlier", "Weight far beyond all others", Medium, Suspicious,
        "An element is more than ten million times the median of its tensor and larger than ten thousand.", REEXPORT, ARCHITECTURE),
    row("xml/custom-layer", "Layer of an extension", High, Suspicious,
        "The model uses a layer that only runs when somebody's native extension is loaded.",
        "Have the model converted with stock operations, or review and pin that extension.", ARCHITECTURE),
    row("xml/entities", "Entities in a document", High, Suspicious,
        "The document declares entities, by which a few bytes become any number of them.", REEXPORT, ENTITIES),
    row("xml/external-entity", "Document that fetches others", Critical, Malicious,
        "Reading the document opens a file or an address that it names.", REEXPORT, ENTITIES),
    row("xml/java", "XML that names a program of Java", High, Suspicious,
        "The document names classes by which Java starts programs or builds objects of a text.", ASK, CODE),
    row("xml/malformed", "Broken XML", High, Suspicious,
        "The document is not well-formed; parsers differ in what they make of it.", REEXPORT, MALFORMED),
    row("yaml/exhausts", "YAML whose aliases multiply", High, Suspicious,
        "Aliases of lists of aliases make millions of nodes of a few lines, for whoever copies, merges or prints them.", REEXPORT, ENTITIES),
    row("yaml/python-tag", "YAML that builds Python objects", High, Suspicious,
        "A tag asks an unsafe YAML loader to import or call something.", ASK, CODE),
    row("yaml/unsafe-tag", "YAML that calls something harmful", Critical, Malicious,
        "A tag asks an unsafe YAML loader to call a function that runs commands or code.", REBUILD_CONFIG, CODE),
    row("zip/budget", "Archive too large to look into", Medium, Unscannable,
        "The archive has more members, depth or decompressed bytes than the scan follows.",
        "Raise the limits and scan again.", RESOURCES),
    row("zip/disagreement", "Archive that reads differently", High, Suspicious,
        "The records of the archive disagree, so that a loader may see other content than a scanner.", REEXPORT, EVASION),
    row("zip/unreadable-member", "Member that cannot be read", High, Suspicious,
        "A member is compressed by a method that loaders do not know, or its stream is broken.", REEXPORT, MALFORMED),
    row("zip/unsafe-name", "Member name that leaves the archive", High, Suspicious,
        "A member has an absolute name, one with .., or one that cannot be written safely.", REEXPORT, PATH),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_and_unique() {
        assert!(RULES.windows(2).all(|w| w[0].id < w[1].id));
    }

    #[test]
    fn only_what_is_worth_nothing_is_clean() {
        for rule in RULES {
            assert_eq!(rule.outcome == Clean, rule.severity == Info, "{}", rule.id);
            assert!(!rule.what.is_empty() && !rule.remediation.is_empty());
        }
    }
}

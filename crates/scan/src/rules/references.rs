//! What other frameworks call what is found, and what to do about it in words that several rules share.

pub(super) type Refs = &'static [(&'static str, &'static str, &'static str)];

pub(super) const CODE: Refs = &[
    ("ATLAS", "5.6.0", "AML.T0010.003"),
    ("ATLAS", "5.6.0", "AML.T0011.000"),
    ("ATLAS", "5.6.0", "AML.T0018.002"),
    ("CWE", "4.18", "CWE-502"),
    ("OWASP-LLM", "2025", "LLM03:2025"),
];
pub(super) const UNPROVEN: Refs =
    &[("ATLAS", "5.6.0", "AML.T0011.000"), ("CWE", "4.18", "CWE-502"), ("OWASP-LLM", "2025", "LLM03:2025")];
pub(super) const EVASION: Refs =
    &[("ATLAS", "5.6.0", "AML.T0010.003"), ("CWE", "4.18", "CWE-436"), ("OWASP-LLM", "2025", "LLM03:2025")];
pub(super) const MALFORMED: Refs = &[("CWE", "4.18", "CWE-1286")];
pub(super) const PATH: Refs = &[("ATLAS", "5.6.0", "AML.T0010.003"), ("CWE", "4.18", "CWE-22")];
pub(super) const ARCHITECTURE: Refs = &[("ATLAS", "5.6.0", "AML.T0018.001"), ("CWE", "4.18", "CWE-829")];
pub(super) const EMBEDDED: Refs = &[("ATLAS", "5.6.0", "AML.T0018.002"), ("CWE", "4.18", "CWE-506")];
pub(super) const RESOURCES: Refs = &[("CWE", "4.18", "CWE-400")];
pub(super) const TEMPLATES: Refs =
    &[("ATLAS", "5.6.0", "AML.T0018.002"), ("CWE", "4.18", "CWE-1336"), ("OWASP-LLM", "2025", "LLM03:2025")];
pub(super) const WORDS: Refs =
    &[("ATLAS", "5.6.0", "AML.T0051.001"), ("CWE", "4.18", "CWE-506"), ("OWASP-LLM", "2025", "LLM01:2025")];
pub(super) const SOURCE: Refs =
    &[("ATLAS", "5.6.0", "AML.T0011.000"), ("CWE", "4.18", "CWE-506"), ("OWASP-LLM", "2025", "LLM03:2025")];
pub(super) const HIDDEN: Refs =
    &[("ATLAS", "5.6.0", "AML.T0011.000"), ("CWE", "4.18", "CWE-506"), ("CWE", "4.18", "CWE-656")];
pub(super) const ROWS: Refs = &[("CWE", "4.18", "CWE-1236")];
pub(super) const POISONED: Refs =
    &[("ATLAS", "5.6.0", "AML.T0020"), ("CWE", "4.18", "CWE-506"), ("OWASP-LLM", "2025", "LLM04:2025")];
pub(super) const REBUILD_CONFIG: &str = "Do not load it. Take the configuration from its source and compare.";
pub(super) const ENTITIES: Refs =
    &[("ATLAS", "5.6.0", "AML.T0010.003"), ("CWE", "4.18", "CWE-611"), ("CWE", "4.18", "CWE-776")];
pub(super) const SECRET: Refs = &[("CWE", "4.18", "CWE-798"), ("OWASP-LLM", "2025", "LLM02:2025")];
pub(super) const NONE: Refs = &[];

pub(super) const REBUILD: &str = "Do not load it. Take the weights from their source in safetensors or ONNX.";
pub(super) const REBUILD_KERAS: &str =
    "Do not load it. Build the architecture from source and load the weights only.";
pub(super) const ASK: &str =
    "Find out who wrote it and why, or have the weights re-exported as safetensors or ONNX.";
pub(super) const READ: &str =
    "Read the named lines before the model is used, and vendor what you have reviewed.";
pub(super) const REFUSE: &str =
    "Do not import it. Report the repository, and check machines where it was imported.";
pub(super) const REEXPORT: &str = "Write the file anew with the tool of its format and compare the digests.";
pub(super) const TEMPLATE: &str = "Read the template, and replace it by the one of the model's publisher.";
pub(super) const LOOK: &str = "Have a person look at it, or remove it from the model.";

//! The command line. Subcommands are verbs; examples follow each help text.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub mod attack;
pub mod engine;
mod guard;
pub mod harden;
pub mod remote;

pub use guard::{ConversationForm, GuardArgs, OriginArg};

/// Takes an AI system from plan to production and back, and proves what was tested, released, served and recalled.
#[derive(Debug, Parser)]
#[command(name = "proofhouse", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 clean or allowed, 1 findings or denied, 2 could not tell.\n\
Colours follow the terminal and NO_COLOR; progress goes to standard error, results to standard output.";

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For machines: one JSON document on standard output.
    Json,
}

/// How scan results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// For people.
    Human,
    /// For machines.
    Json,
    /// For code hosts: SARIF 2.1.0.
    Sarif,
}

/// Where the ledger, the keys and the releases live.
#[derive(Debug, Clone, Args)]
pub struct Home {
    /// Folder of the ledger, keys and releases [default: .proofhouse beside the system file].
    #[arg(long, env = "PROOFHOUSE_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
}

/// A folder that holds a system file, and where its state lives.
#[derive(Debug, Clone, Args)]
pub struct ProjectArgs {
    /// Folder with a proofhouse.yaml, or the file itself.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    #[command(flatten)]
    pub home: Home,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Live through the whole life of a system once: plan, assess, gate, release, deploy, observe, recall, report.
    ///
    /// Instances and gateway run on loopback for the length of the run, in an environment of its own
    /// (rehearsal-1, rehearsal-2, …), so a recall at its end does not reach what runs elsewhere.
    #[command(
        after_help = "Examples:\n  proofhouse run examples/cheque-reader\n  proofhouse run . --format json > run.json"
    )]
    Run(RunArgs),
    /// Write the JSON Schema of system files, or check one.
    #[command(subcommand)]
    System(SystemCommand),
    /// Create the signing key and the ledger's key.
    #[command(after_help = "Examples:\n  proofhouse keygen\n  proofhouse keygen --home /etc/proofhouse")]
    Keygen(KeygenArgs),
    /// Derive the threats that apply, each with its proof, and the tests they call for.
    #[command(
        after_help = "Examples:\n  proofhouse plan examples/cheque-reader\n  proofhouse plan . --format json | jq '.questions'"
    )]
    Plan(ProjectArgs),
    /// Run the planned checks and sign each result into the ledger.
    Assess(ProjectArgs),
    /// Sign the model, write its ML-BOM and ask the release policy; exit 1 when it denies.
    Gate(ProjectArgs),
    /// Release what the gate allows: model, signature, ML-BOM and a signed release statement in one folder.
    Release(ProjectArgs),
    /// Deploy the latest release: start its instances and the gateway, watch traffic, obey recalls. Ends with Ctrl-C.
    #[command(
        after_help = "Examples:\n  proofhouse deploy examples/cheque-reader\n  proofhouse recall sha256:… --reason 'advisory 42' --home examples/cheque-reader/.proofhouse"
    )]
    Deploy(ProjectArgs),
    /// Order that a digest be served nowhere, and wait for the certificate.
    Recall(RecallArgs),
    /// Show where each model stands: releases, instances, open threats, recalls.
    Status(ProjectArgs),
    /// Write the HTML report of what the ledger holds.
    Report(ReportArgs),
    /// Simulate the yearly loss with what has been measured so far.
    Risk(ProjectArgs),
    /// Scan model files; what is not proven inert is never clean.
    #[command(
        after_help = "Examples:\n  proofhouse scan model/\n  proofhouse scan 'models/*.pt' --format sarif > scan.sarif\n  proofhouse scan ~/.cache/huggingface/hub/models--owner--name\n  curl -s https://example.org/model.pt | proofhouse scan -\n  proofhouse scan - --stdin-name modeling.py < modeling.py\n  proofhouse scan model/ --suppressions accepted.yaml\n  proofhouse scan --explain pickle/unsafe-call\n\nExit status: 0 clean, 1 suspicious or malicious, 2 unscannable or failed."
    )]
    Scan(ScanArgs),
    /// The confined process in which `scan` parses; it takes its job on standard input.
    #[command(hide = true)]
    ScanWorker,
    /// One of the processes between a sandbox and the command in it.
    #[command(hide = true)]
    SandboxStage {
        /// Which.
        stage: String,
    },
    /// Attack a classifier with small changes of its inputs, and count what is left.
    ///
    /// Any ONNX file and its rows, the model of a project, a model behind an endpoint, or one that a command serves,
    /// which is started in a sandbox. Every counterexample is confirmed by a fresh pass and, where there is one, a
    /// second way of computing the model; signs that an attack failed for another reason than robustness are looked
    /// for, answered where they can be, and named where they stand. Exit code with --require: 0 holds, 1 does not, 2
    /// cannot be told; 2 as well where the model was gone before the end and the result is a partial one.
    #[command(
        after_help = "Examples:\n  proofhouse attack --model cnn.onnx --data test.npz --eps 0.1\n  proofhouse attack --model cnn.onnx --data test.npz --eps 0.02,0.05,0.1 --require 0.8 --format json\n  proofhouse attack --model cnn.onnx --data test.npz --norm l2 --eps 0.5 --with pgd,square --seed 7\n  proofhouse attack examples/cheque-reader --black-box\n\nA model that can only be asked:\n  proofhouse attack --endpoint https://models.example/v2/models/digits --key-env MODEL_KEY --data test.npz --eps 0.1 --queries 500 --state digits.state\n  proofhouse attack --endpoint https://models.example/v2/models/digits --key-env MODEL_KEY --data test.npz --eps 0.1 --queries 500 --state digits.state --resume\n  proofhouse attack --endpoint grpcs://models.example:8001/digits?version=2 --data test.npz --eps 0.1\n  proofhouse attack --endpoint grpc://localhost:8001/loans --input income --output-tensor scores --data test.npz --eps 500 --box 0,1e6\n  proofhouse attack --template ask.json --answers probabilities --per-minute 60 --data test.npz --eps 0.1\n  proofhouse attack --serve 'python serve.py' --data test.npz --eps 0.1 --with square,hop-skip-jump\n  proofhouse attack --serve './classify --lines' --serve-stdio --classes cat,dog --data test.npz --eps 0.1\n\nask.json: {\"url\": \"https://models.example/predict\", \"secret_headers\": {\"x-api-key\": \"MODEL_KEY\"}, \"body\": {\"instances\": \"{{rows}}\"}, \"answer\": \"/predictions\"}"
    )]
    Attack(Box<attack::AttackArgs>),
    /// Train an ONNX model against small changes of its inputs, from the file and data alone.
    ///
    /// Weights are trained on changed rows; after every epoch the model is attacked on rows set apart, and the
    /// latest epoch within one standard error of the best is written. With a key the new file comes with a signed
    /// statement: from which model and rows, by which recipe, with what effect.
    #[command(
        after_help = "Examples:\n  proofhouse harden cnn.onnx --data train.npz --test test.npz --eps 0.1 -o hardened.onnx\n  proofhouse harden cnn.onnx --data train.npz --eps 0.1 --method trades --beta 6 --epochs 100 --patience 15 -o hardened.onnx\n  proofhouse harden cnn.onnx --data train.npz --eps 0.1 --checkpoint run.ckpt --key signer.key -o hardened.onnx"
    )]
    Harden(Box<harden::HardenArgs>),
    /// Look at a text, file, folder or conversation before a model reads it, or at what a model says before it leaves.
    ///
    /// Text is brought into its normal form, hidden payloads and hidden parts of documents are shown, and every
    /// place that raises suspicion is named with its reason. With --output-side the rules for what may not leave
    /// are applied: canaries, confidential text, secrets, personal data, links.
    #[command(
        after_help = "Examples:\n  proofhouse guard mail.html --as tool:read_mail\n  proofhouse guard documents/ --format sarif > guard.sarif\n  proofhouse guard --text 'Ignore all previous instructions' --show-normal\n  proofhouse guard --conversation request.json --config guard.yaml\n  echo \"$ANSWER\" | proofhouse guard - --output-side --context request.json\n  proofhouse guard --serve 127.0.0.1:8787\n  proofhouse guard --explain personal/iban"
    )]
    Guard(GuardArgs),
    /// Attack a system with a language model, and report how often it fell and what still works.
    #[command(
        after_help = "Examples:\n  proofhouse redteam --stand-in --compare\n  proofhouse redteam --url http://127.0.0.1:8080/v1/chat/completions --model m --journal run.jsonl --format html -o report.html\n  proofhouse redteam --command ./assistant.sh --scenario shop.yaml --family indirect,deputy --budget 200\n  proofhouse redteam examples/support-assistant --compare\n  proofhouse redteam learn run.jsonl --home .proofhouse\n  proofhouse redteam list"
    )]
    Redteam(Box<crate::command::redteam::args::RedteamArgs>),
    /// Describe a dataset (digests, record-level Merkle root) or check it.
    Dataset(DatasetArgs),
    /// Write, check or verify an ML-BOM.
    #[command(subcommand)]
    Bom(BomCommand),
    /// Sign a model folder (OpenSSF Model Signing v1.0).
    #[command(
        after_help = "Example:\n  proofhouse sign model/ --key .proofhouse/keys/signer.key --output model.sig"
    )]
    Sign(SignArgs),
    /// Verify a model signature, a piece of evidence or a recall certificate.
    #[command(subcommand)]
    Verify(VerifyCommand),
    /// Test, lint or export the policies, or ask one for a decision.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Verify, show, export or rebuild the ledger.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Serve one verified model (Open Inference Protocol V2).
    Serve(ServeArgs),
    /// Guard an endpoint: keys, limits, policy, guard and audit in front of anything that speaks a chat protocol.
    #[command(
        after_help = "Examples:\n  proofhouse gateway --stand-in\n  proofhouse gateway --upstream http://127.0.0.1:8000/v1 --model llama --speaks openai --guard guard.yaml --audit audit.jsonl\n\nClients use http://ADDRESS/v1 (OpenAI) or http://ADDRESS (Anthropic) with the key that is shown."
    )]
    Gateway(GatewayArgs),
    /// Approve one withheld call of a tool, for a time; prints what goes into the header Proofhouse-Approval.
    #[command(
        after_help = "Example:\n  proofhouse approve sha256:… --key approval.key --by ann --seconds 300"
    )]
    Approve(ApproveArgs),
    /// Print shell completions.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Where the report goes [default: report.html in the home folder].
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Address of the gateway.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<std::net::SocketAddr>,
}

/// `system …`
#[derive(Debug, Subcommand)]
pub enum SystemCommand {
    /// Print the JSON Schema of system files.
    Schema,
    /// Check a system file.
    Check(ProjectArgs),
}

/// Arguments of `keygen`.
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// Folder of the ledger, keys and releases.
    #[arg(long, env = "PROOFHOUSE_HOME", value_name = "DIR", default_value = ".proofhouse")]
    pub home: PathBuf,
}

/// Arguments of `recall`.
#[derive(Debug, Args)]
pub struct RecallArgs {
    /// The model digest, as `proofhouse status` shows it.
    pub digest: proofhouse_core::Digest,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Folder of the ledger, keys and releases.
    #[arg(long, env = "PROOFHOUSE_HOME", value_name = "DIR", default_value = ".proofhouse")]
    pub home: PathBuf,
    /// How long to wait for a certificate from whoever serves it.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub wait: u64,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Where the report goes [default: report.html in the home folder].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Files, folders, patterns, - for standard input, or addresses: hf://owner/name[@revision], s3://bucket/prefix,
    /// oci://registry/name:tag, mlflow:models/name/version.
    #[arg(required_unless_present_any = ["explain", "list_rules", "rules_page"])]
    pub paths: Vec<PathBuf>,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = ScanFormat::Human)]
    pub format: ScanFormat,
    /// The name of what stands on standard input, such as modeling.py: some files are run because of their names.
    #[arg(long, value_name = "NAME")]
    pub stdin_name: Option<String>,
    /// Say what a rule means, why, and what to do.
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// List the rules.
    #[arg(long)]
    pub list_rules: bool,
    /// Look at structure only: milliseconds for a file of any size, but no digest, no checksum of stored tensors and no
    /// search for programs among them.
    #[arg(long)]
    pub structure_only: bool,
    /// Write the page about all rules, in Markdown.
    #[arg(long)]
    pub rules_page: bool,
    /// Findings that were looked at and accepted, in YAML or JSON (docs/scan-suppressions.schema.json).
    #[arg(long, value_name = "FILE")]
    pub suppressions: Option<PathBuf>,
    /// Threads [default: as many as the machine has]. The report does not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Most memory of the process that parses, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    pub memory_mib: u64,
    /// Longest time that the process that parses may be silent: a file that takes longer is unscannable.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub patience_seconds: u64,
    /// Follow redirects of servers to private addresses, too: a registry in a network of your own.
    #[arg(long)]
    pub private_redirects: bool,
    /// Parse in this process, without confinement: for debugging the scanner.
    #[arg(long)]
    pub in_process: bool,
}

/// Arguments of `dataset`.
#[derive(Debug, Args)]
pub struct DatasetArgs {
    /// A Parquet file, a .jsonl file with an object a line, or a folder of documents.
    pub path: PathBuf,
    /// The label column, to keep its root apart from the features' root.
    #[arg(long)]
    pub label: Option<String>,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `bom …`
#[derive(Debug, Subcommand)]
pub enum BomCommand {
    /// Write the CycloneDX 1.6 ML-BOM of a system's model.
    Write(ProjectArgs),
    /// Find what schema validators miss.
    Lint {
        /// A CycloneDX JSON file.
        bom: PathBuf,
    },
    /// Compare a BOM with the files it describes.
    Verify {
        /// A CycloneDX JSON file.
        bom: PathBuf,
        /// The model folder.
        model: PathBuf,
    },
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The model folder.
    pub model: PathBuf,
    /// Private key (PEM, P-256).
    #[arg(long, value_name = "FILE", default_value = ".proofhouse/keys/signer.key")]
    pub key: PathBuf,
    /// Where the signature goes; never inside the model folder.
    #[arg(long, short, value_name = "FILE", default_value = "model.sig")]
    pub output: PathBuf,
}

/// `verify …`
#[derive(Debug, Subcommand)]
pub enum VerifyCommand {
    /// Verify the signature of a model folder.
    Model {
        /// The model folder.
        model: PathBuf,
        /// The signature bundle.
        #[arg(long, value_name = "FILE")]
        signature: PathBuf,
        /// Trusted public key (PEM).
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Verify a signed statement (evidence, decision, release) and print it.
    Statement {
        /// A DSSE envelope.
        file: PathBuf,
        /// Trusted public key (PEM).
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Verify a recall certificate: signature, completeness, and that every instance is proven stopped.
    Certificate {
        /// The certificate.
        file: PathBuf,
        /// Trusted public key (PEM).
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Compare it with the ledger of this folder too: that it names every instance that ran.
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
    },
}

/// `policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Run the `test_` rules.
    Test {
        /// A folder of Rego files [default: the shipped policies].
        dir: Option<PathBuf>,
    },
    /// Find what would not run the same on every engine.
    Lint {
        /// A folder of Rego files [default: the shipped policies].
        dir: Option<PathBuf>,
    },
    /// Write the shipped policies to a folder, ready for OPA.
    Export {
        /// An empty or new folder.
        dir: PathBuf,
    },
    /// Decide on a JSON input, as the house would.
    Eval {
        /// release, deploy, runtime or request.
        entrypoint: String,
        /// A JSON file, or - for standard input.
        input: PathBuf,
    },
}

/// `ledger …`
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Recompute every hash, proof, signature and view.
    #[command(
        after_help = "Example:\n  proofhouse ledger verify --home examples/cheque-reader/.proofhouse --checkpoint saved.note"
    )]
    Verify {
        #[command(flatten)]
        at: LedgerAt,
        /// A checkpoint kept elsewhere, to find a ledger that was cut short or replaced.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Show entries.
    Show {
        #[command(flatten)]
        at: LedgerAt,
        /// Only this kind, such as evidence-recorded.
        #[arg(long)]
        kind: Option<String>,
        /// Only about this digest.
        #[arg(long)]
        subject: Option<proofhouse_core::Digest>,
        /// At most so many, newest first.
        #[arg(long, default_value_t = 20)]
        limit: u64,
    },
    /// Print a document that an entry names: evidence, its exhibit, a decision, a manifest.
    #[command(
        after_help = "Example, the rows that a check names:\n  proofhouse assess . --format json \\\n    | jq -r '.evidence[] | select(.result.check == \"spectral-signature\").exhibit'\n  proofhouse ledger object sha256:5495..."
    )]
    Object {
        #[command(flatten)]
        at: LedgerAt,
        /// Its digest.
        digest: proofhouse_core::Digest,
    },
    /// Write leaves, checkpoint and key to a folder that anyone can verify offline.
    Export {
        #[command(flatten)]
        at: LedgerAt,
        /// A new folder.
        dir: PathBuf,
    },
    /// Throw the views away and recreate them from the log.
    Rebuild {
        #[command(flatten)]
        at: LedgerAt,
    },
}

/// Which ledger.
#[derive(Debug, Clone, Args)]
pub struct LedgerAt {
    /// Folder of the ledger, keys and releases.
    #[arg(long, env = "PROOFHOUSE_HOME", value_name = "DIR", default_value = ".proofhouse")]
    pub home: PathBuf,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The model folder.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// File in that folder to serve [default: its only .onnx file].
    #[arg(long, value_name = "NAME")]
    pub file: Option<String>,
    /// The signature bundle of the folder.
    #[arg(long, value_name = "FILE")]
    pub signature: PathBuf,
    /// Trusted public key (PEM).
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The model digest to serve; any other is refused.
    #[arg(long)]
    pub digest: proofhouse_core::Digest,
    /// The model's name in the protocol.
    #[arg(long, default_value = "model")]
    pub name: String,
    /// The model's version in the protocol.
    #[arg(long, default_value = "1")]
    pub model_version: String,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub listen: std::net::SocketAddr,
    /// Name of this instance.
    #[arg(long, default_value = "instance")]
    pub instance: String,
    /// Serve only while lines arrive on standard input at least this often; without it, until Ctrl-C.
    #[arg(long, value_name = "MILLISECONDS")]
    pub lease_ms: Option<u64>,
}

/// What an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Speaks {
    /// OpenAI's chat completions.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// Both.
    Both,
}

/// Arguments of `gateway`.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// The endpoint, such as https://api.example/v1 or http://127.0.0.1:8000/v1.
    #[arg(long, value_name = "URL", required_unless_present = "stand_in", conflicts_with = "stand_in")]
    pub upstream: Option<String>,
    /// The obedient stand-in instead of a model, to try it out.
    #[arg(long)]
    pub stand_in: bool,
    /// Environment variable that holds the endpoint's key; it is sent over https, or to this machine.
    #[arg(long, value_name = "NAME", requires = "upstream")]
    pub upstream_key_env: Option<String>,
    /// Certificates in PEM of the only authorities that may vouch for the endpoint. Without it the machine's may.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    pub upstream_ca: Option<PathBuf>,
    /// What the endpoint speaks.
    #[arg(long, value_enum, default_value_t = Speaks::Both)]
    pub speaks: Speaks,
    /// A model that may be used; NAME=INNER where the endpoint calls it otherwise. As often as there are models.
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// The guard's configuration, YAML or JSON: labels, tools with their effects, what may not leave. Without it no
    /// tool may be called and no link leads out.
    #[arg(long, value_name = "FILE")]
    pub guard: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub listen: std::net::SocketAddr,
    /// The clients' keys, as hashes. Made with one client where the file does not exist.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// The key that approvals are made with. Made where the file does not exist; without it nobody can approve.
    #[arg(long, value_name = "FILE")]
    pub approval_key: Option<PathBuf>,
    /// Append a record of each request, without its text, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Write down what the detectors find and refuse nothing for it. The boundary holds all the same.
    #[arg(long)]
    pub watch: bool,
    /// Refuse with an answer of the assistant instead of an error.
    #[arg(long)]
    pub refuse_in_words: bool,
    /// Tokens of an answer at most.
    #[arg(long, default_value_t = 4096, value_name = "TOKENS")]
    pub max_tokens: u64,
    /// Tokens that each key may use in a window; no limit where it is left out.
    #[arg(long, value_name = "TOKENS")]
    pub token_budget: Option<u64>,
    /// Length of that window.
    #[arg(long, default_value = "86400", value_name = "SECONDS")]
    pub budget_window: std::num::NonZeroU64,
    /// How the addresses and the key are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The call, as the withheld answer and the audit name it.
    pub call: proofhouse_core::Digest,
    /// The approval key of the gateway.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Who approves.
    #[arg(long)]
    pub by: String,
    /// How long it holds.
    #[arg(long, default_value = "600")]
    pub seconds: std::num::NonZeroU64,
}

//! Arguments of `guard`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use proofhouse_dialogue::{Name, Origin};

use super::ScanFormat;

/// Arguments of `guard`.
#[derive(Debug, Args)]
pub struct GuardArgs {
    /// Files or folders, or - for standard input.
    #[arg(required_unless_present_any = ["text", "explain", "list_rules", "serve"])]
    pub paths: Vec<PathBuf>,
    /// A text to look at.
    #[arg(long, value_name = "TEXT", conflicts_with = "paths")]
    pub text: Option<String>,
    /// Where the text comes from: system, operator, user, assistant, tool:NAME, retrieved:SOURCE, file:NAME or
    /// web:HOST [default: file:NAME for files, user otherwise].
    #[arg(long = "as", value_name = "ORIGIN")]
    pub origin: Option<OriginArg>,
    /// The input is what a model says: look for what may not leave.
    #[arg(long)]
    pub output_side: bool,
    /// The input is a conversation: a request to a model as JSON.
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, default_missing_value = "auto", require_equals = true)]
    pub conversation: Option<ConversationForm>,
    /// The conversation an answer belongs to; with --output-side its system prompt must not be repeated.
    #[arg(long, value_name = "FILE", requires = "output_side")]
    pub context: Option<PathBuf>,
    /// Labels, output rules and the boundary policy, as YAML or JSON.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show the normal form and what else the text can be read as.
    #[arg(long)]
    pub show_normal: bool,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = ScanFormat::Human)]
    pub format: ScanFormat,
    /// Say what a rule means and what to do.
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// List the rules.
    #[arg(long)]
    pub list_rules: bool,
    /// Answer over HTTP at this address instead: POST /v1/inspect, POST /v1/output, GET /healthz, GET /metrics.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8787", conflicts_with_all = ["paths", "text"])]
    pub serve: Option<SocketAddr>,
    /// Let --serve listen beyond this machine. Whoever reaches it can ask it anything, so put a gateway before it.
    #[arg(long, requires = "serve")]
    pub expose: bool,
}

/// How a conversation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConversationForm {
    /// Whichever it looks like.
    Auto,
    /// A request of OpenAI's chat completions.
    Openai,
    /// A request of Anthropic's messages.
    Anthropic,
    /// Messages of labelled segments, as this command writes them.
    Labelled,
}

/// Where a text comes from, as one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginArg(pub Origin);

impl FromStr for OriginArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').map_or((text, None), |(kind, name)| (kind, Some(name)));
        let name = name.map(|name| Name::new(name).map_err(|error| error.to_string())).transpose()?;
        let origin = match (kind, name) {
            ("system", None) => Origin::System,
            ("operator", None) => Origin::Operator,
            ("user", None) => Origin::User,
            ("assistant", None) => Origin::Assistant,
            ("tool", Some(name)) => Origin::Tool(name),
            ("retrieved", Some(name)) => Origin::Retrieved(name),
            ("file", Some(name)) => Origin::File(name),
            ("web", Some(name)) => Origin::Web(name),
            ("tool" | "retrieved" | "file" | "web", None) => {
                return Err(format!("{kind} needs a name, such as {kind}:example"));
            }
            _ => {
                return Err("an origin is system, operator, user, assistant, tool:NAME, retrieved:SOURCE, file:NAME or \
                            web:HOST"
                    .to_owned());
            }
        };
        Ok(Self(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_one_word_or_two() {
        let tool = Origin::Tool(Name::new("read_mail").unwrap());
        assert_eq!("tool:read_mail".parse(), Ok(OriginArg(tool)));
        assert_eq!("user".parse(), Ok(OriginArg(Origin::User)));
        for bad in ["tool", "user:x", "tool:", "tool:a b", "nobody", ""] {
            assert!(bad.parse::<OriginArg>().is_err(), "{bad}");
        }
    }
}

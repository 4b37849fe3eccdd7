//! What the name of something of another package says of a call of it.

use super::Manner;
use crate::python::effects::Effect;
use crate::python::value::{Arguments, Value};

/// Packages that call a function when a person asks for it on a command line, or that only wrap it.
pub(super) fn called_by_people(name: &str) -> bool {
    const PEOPLE: [&str; 24] = [
        "abc",
        "absl",
        "argparse",
        "builtins",
        "click",
        "cleo",
        "contextlib",
        "copy",
        "cyclopts",
        "dataclasses",
        "doit",
        "fabric",
        "fire",
        "functools",
        "hydra",
        "inspect",
        "invoke",
        "nox",
        "plac",
        "pytest",
        "sys",
        "typer",
        "types",
        "typing",
    ];
    // The parser of a command may come from elsewhere; what it calls is what the person names.
    name.ends_with(".set_defaults") || PEOPLE.contains(&name.split(['.', '(']).next().unwrap_or(name))
}

/// Whether what is called keeps a function to call it whenever something happens.
pub(super) fn registers(name: &str) -> bool {
    let last = name.trim_end_matches("()").rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    // Cells of a notebook run when it is opened.
    last == "cell"
        || ["register", "hook", "callback", "backend", "on_event"].iter().any(|word| last.contains(word))
}

/// pandas evaluates a text that names values of Python around it (`@`), and calls what it is told to call of them.
pub(super) fn evaluated(name: &str, arguments: &[Value]) -> Option<Effect> {
    // The machine of Java under Spark has everything that Java has.
    if name.contains("._jvm.") {
        return Some(Effect::Command);
    }
    let asked = [".query", ".eval"].iter().any(|method| name.ends_with(method));
    let text = arguments.first().and_then(Value::as_text).filter(|_| asked)?;
    let called = text.split('@').skip(1).any(|rest| {
        let path =
            rest.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).next().unwrap_or_default();
        path.contains('.') && rest.get(path.len()..).is_some_and(|after| after.starts_with('('))
    });
    called.then_some(Effect::Code)
}

/// Whether a call gives one key by its name, as services ask for them: from the environment or a store of secrets.
pub(super) fn is_one_key(name: &str) -> bool {
    const STORES: [&str; 5] = [
        "os.getenv",
        "os.environ.get",
        "google.colab.userdata.get",
        "kaggle_secrets.UserSecretsClient().get_secret",
        "dbutils.secrets.get",
    ];
    STORES.contains(&name)
}

/// The name without what is known of a path in it: `pathlib.Path<a/b>.open` is `pathlib.Path().open`.
pub(super) fn generalised(name: &str) -> String {
    match (name.find('<'), name.find('>')) {
        (Some(from), Some(to)) if from < to => {
            let rest = name.get(to + 1..).unwrap_or_default();
            let rest = rest.trim_start_matches(".parent");
            format!("{}(){rest}", name.get(..from).unwrap_or_default())
        }
        _ => name.to_owned(),
    }
}

pub(super) fn is_safe_loader(name: &str, arguments: &Arguments) -> bool {
    let names_safe =
        |v: &Value| matches!(v, Value::Outside(n, _) if n.contains("Safe") || n.contains("BaseLoader"));
    match name {
        "torch.load" => arguments.named("weights_only") == Some(&Value::Bool(true)),
        "yaml.load" | "yaml.load_all" => arguments.all().any(names_safe),
        "keras.models.load_model" | "tensorflow.keras.models.load_model" => {
            arguments.named("safe_mode") == Some(&Value::Bool(true))
        }
        _ => false,
    }
}

/// Whether a call sends a body, or says that what it loads is trusted.
pub(super) fn manner(effect: Effect, name: &str, arguments: &Arguments) -> Manner {
    const BODIES: [&str; 5] = ["data", "json", "files", "body", "content"];
    let last = name.rsplit('.').next().unwrap_or(name);
    let body = last == "urlopen" && arguments.plain.len() > 1
        || arguments.named.iter().any(|(key, _)| BODIES.contains(&key.as_str()));
    let off = |key: &str| arguments.named(key) == Some(&Value::Bool(false));
    match effect {
        Effect::Network if body => Manner::Sending,
        Effect::Deserialise if off("weights_only") || off("safe_mode") => Manner::Unprotected,
        _ => Manner::Called,
    }
}

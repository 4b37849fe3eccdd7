//! Settings of servers of models: where they take models and programs from, and what they start with (TorchServe,
//! "Advanced configuration"; Deep Java Library, "Serving properties"; Triton, "Model configuration").

use proofhouse_artifact::json::Value;

use super::reaches::{leaves, outside};
use super::tools::at;
use super::trusts;
use crate::formats;
use crate::scanner::{Content, Scanner};

pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, text: &str) {
    match name {
        "config.properties" | "serving.properties" => {
            for (line, key, value) in properties(text) {
                setting(scanner, content, line, &key, &value);
            }
        }
        "config.pbtxt" => triton(scanner, content, text),
        _ => {}
    }
}

fn setting(scanner: &mut Scanner<'_>, content: &Content<'_>, line: u64, key: &str, value: &str) {
    const STARTS: [&str; 5] =
        ["-javaagent:", "-agentpath:", "-agentlib:", "-XX:OnOutOfMemoryError", "-XX:OnError"];
    let address = value.split([',', ' ', '"']).map(|word| word.rsplit_once('=').map_or(word, |(_, to)| to));
    let elsewhere = address.filter(|word| word.contains("://")).any(trusts::foreign);
    let shown: String = value.chars().take(80).collect();
    let (rule, what) = match key {
        "load_models" | "model_store" | "models" if elsewhere => {
            ("repo/requirement", "models are fetched with their code from elsewhere")
        }
        "vmargs" if STARTS.iter().any(|option| value.contains(option)) => {
            ("repo/tool-command", "the machine of Java loads or starts what an option names")
        }
        "option.entryPoint" if elsewhere => {
            ("repo/requirement", "the server's program is fetched from elsewhere")
        }
        "option.trust_remote_code" if value.eq_ignore_ascii_case("true") => {
            ("repo/trust-remote-code", "asks its loader to trust the code of whatever it names")
        }
        "option.pythonExecutable" | "option.python_executable" if trusts::own(value) => {
            ("repo/tool-command", "a program of this folder is started for Python")
        }
        "option.entryPoint" | "default_service_handler" if leaves(value) => {
            return outside(scanner, at(content, line), "the server runs", value);
        }
        _ => return,
    };
    scanner.report(rule, at(content, line), format!("{what}: {key} is {shown:?}"));
}

/// Keys and values as Java reads them (`java.util.Properties`), each with the number of lines before it.
fn properties(text: &str) -> Vec<(u64, String, String)> {
    let mut out = Vec::new();
    let mut open: Option<(u64, String)> = None;
    for (line, index) in text.split(['\n', '\r']).zip(0u64..) {
        let plain = line.trim_start_matches([' ', '\t', '\x0c']);
        if open.is_none() && (plain.is_empty() || plain.starts_with(['#', '!'])) {
            continue;
        }
        let backslashes = plain.len() - plain.trim_end_matches('\\').len();
        let goes_on = backslashes % 2 == 1;
        let part = if goes_on { plain.get(..plain.len() - 1).unwrap_or_default() } else { plain };
        let (first, whole) = open.get_or_insert_with(|| (index, String::new()));
        whole.push_str(part);
        if !goes_on {
            let (key, value) = pair(whole);
            out.push((*first, key, value));
            open = None;
        }
    }
    // A last line that would go on is one all the same.
    out.extend(open.map(|(first, whole)| {
        let (key, value) = pair(&whole);
        (first, key, value)
    }));
    out
}

fn pair(line: &str) -> (String, String) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && matches!(c, '=' | ':' | ' ' | '\t' | '\x0c');
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let blank = [' ', '\t', '\x0c'];
    let rest = rest.trim_start_matches(blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(blank);
    (unescaped(key), unescaped(value))
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.push_str(before);
        let code = behind.strip_prefix('u').and_then(|digits| u32::from_str_radix(digits.get(..4)?, 16).ok());
        let (c, length) = match (code.and_then(char::from_u32), behind.chars().next()) {
            (Some(c), _) => (c, 5),
            (None, Some(c)) => (c, c.len_utf8()),
            (None, None) => break,
        };
        out.push(c);
        rest = behind.get(length..).unwrap_or_default();
    }
    out.push_str(rest.trim_end_matches('\\'));
    out
}

/// A model of Triton: the environment of the Python backend, the first request's files, and libraries that are loaded.
fn triton(scanner: &mut Scanner<'_>, content: &Content<'_>, text: &str) {
    let Some(members) = formats::text_message(text) else {
        let message = "a server's configuration by its name, which cannot be read as one";
        return scanner.report("format/unscannable", content.place.clone(), message);
    };
    let own = |path: &str| path.strip_prefix("$$TRITON_MODEL_DIRECTORY/").unwrap_or(path).to_owned();
    let mut open = vec![Value::Object(members)];
    while let Some(value) = open.pop() {
        let environment = value.member("key").and_then(Value::as_text) == Some("EXECUTION_ENV_PATH");
        if let Some(path) =
            value.member("value").filter(|_| environment).and_then(|v| v.member("string_value")?.as_text())
            && leaves(&own(path))
        {
            outside(scanner, content.place.clone(), "the server is to take", path);
        }
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match (key.as_str(), value.as_text()) {
                        (
                            "input_data_file" | "default_model_filename" | "backend" | "runtime",
                            Some(path),
                        ) if leaves(&own(path)) => {
                            outside(scanner, content.place.clone(), "the server is to take", path);
                        }
                        ("op_library_filename", Some(path)) => {
                            let message = format!("the server loads the library {path:?}");
                            scanner.report("repo/native-library", content.place.clone(), message);
                        }
                        _ => open.push(value),
                    }
                }
            }
            Value::Array(elements) => open.extend(elements),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::properties;
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(name: &str, text: &str) -> Outcome {
        scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn properties_are_read_as_java_reads_them() {
        let read = properties("# a\n  a\\u0062c : d\\\n   e\\=f\n!x\r\nk v w\n\\\\=\\\\\\\n z\nlast\\");
        let read: Vec<String> =
            read.iter().map(|(line, key, value)| format!("{line} {key}|{value}")).collect();
        assert_eq!(read, ["1 abc|de=f", "5 k|v w", "6 \\|\\z", "8 last|"]);
    }

    #[test]
    fn what_servers_fetch_or_start_is_told() {
        for (name, text) in [
            ("config.properties", "load_models=all,x\\=http\\://192.0.2.1/x.mar\n"),
            ("config.properties", "load_mod\\u0065ls \\\n  : http://192.0.2.1/x.mar\n"),
            ("config.properties", "vmargs -Xmx4g -javaagent:/tmp/x.jar\n"),
            ("config.properties", "default_service_handler=/tmp/x.py:f\n"),
            ("serving.properties", "option.entryPoint=http://192.0.2.1/m.py\n"),
            ("serving.properties", "option.entryPoint=../../m.py\n"),
            (
                "config.pbtxt",
                "backend: 'python' parameters { key: 'EXECUTION_ENV_PATH' value { string_value: '/tmp/e' } }",
            ),
            (
                "config.pbtxt",
                "parameters{key:\"EXECUTION\\137ENV_PATH\" value{string_value:\"\\057tm\" 'p/e'}}",
            ),
            ("config.pbtxt", "backend: \"../../x\"\n"),
            ("config.pbtxt", "default_model_filename\n:\n\"../../m.py\"\n"),
            ("config.pbtxt", "model_operations { op_library_filename: \"x.so\" }\n"),
        ] {
            assert!(outcome(name, text) >= Outcome::Suspicious, "{text}");
        }
        for (name, text) in [
            (
                "config.properties",
                "inference_address=http://0.0.0.0:8080\nmodel_store=/home/model-server/model-store\nload_models=all\nvmargs=-Xmx4g -XX:+ExitOnOutOfMemoryError\ninstall_py_dep_per_model=true\n",
            ),
            ("config.properties", "load_models=https://torchserve.pytorch.org/mar_files/densenet161.mar\n"),
            (
                "serving.properties",
                "engine=Python\noption.entryPoint=djl_python.huggingface\noption.trust_remote_code=false\noption.model_id=s3://bucket/m\n",
            ),
            (
                "config.pbtxt",
                "name: \"m\"\nbackend: \"onnxruntime\"\nmax_batch_size: 8\ninput [\n  { name: \"x\", data_type: TYPE_FP32, dims: [ -1, 3 ] }\n]\ninstance_group [{ kind: KIND_GPU }]\ndynamic_batching { }\ndefault_model_filename: \"model.onnx\"\n",
            ),
        ] {
            assert_eq!(outcome(name, text), Outcome::Clean, "{text}");
        }
    }

    #[test]
    fn environments_of_others_are_told() {
        let served = |path: &str, first: &str| {
            format!(
                "backend: \"python\"\nparameters {{ key: \"EXECUTION_ENV_PATH\"\n  value {{ string_value: \"{path}\" }} }}\nmodel_warmup [ {{ inputs {{ key: \"x\" value: {{ input_data_file: \"{first}\" }} }} }} ]\n"
            )
        };
        let own = "$$TRITON_MODEL_DIRECTORY/env.tar.gz";
        assert_eq!(outcome("config.pbtxt", &served(own, "raw_x")), Outcome::Clean);
        assert_eq!(outcome("config.pbtxt", &served("/tmp/env.tar.gz", "raw_x")), Outcome::Suspicious);
        assert_eq!(outcome("config.pbtxt", &served(own, "../../etc/shadow")), Outcome::Suspicious);
        assert_eq!(
            outcome("config.pbtxt", &served("$$TRITON_MODEL_DIRECTORY/../../x", "raw_x")),
            Outcome::Suspicious
        );
    }
}

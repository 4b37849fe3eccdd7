//! Servers that speak the Open Inference Protocol (V2, REST), which KServe, Triton, MLServer, OpenVINO and Proofhouse
//! do.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::http::{Sender, secret};
use crate::tensor::{self, Declared, Rows};
use crate::{Answers, EndpointError, Key, Limits, RowTarget, Rowwise};

/// Most characters of a name, and most versions, that are kept.
const SHOWN: usize = 200;

/// What a server says of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The model's name.
    pub name: String,
    /// Its versions, where they are told.
    pub versions: Vec<String>,
    /// What it takes.
    pub inputs: Vec<Declared>,
    /// What it answers.
    pub outputs: Vec<Declared>,
    /// The digest of the model, where the server claims one; Proofhouse's does.
    pub digest: Option<String>,
}

/// A model of such a server.
pub struct InferenceClient {
    metadata: Metadata,
    input: Declared,
    output: Option<String>,
    infer: Sender,
}

/// The address of a model, and how to get there.
#[derive(Debug, Clone)]
pub struct Address<'a> {
    /// Such as `https://host/v2/models/NAME`, or `…/versions/1`.
    pub url: &'a str,
    /// A socket in the file system to connect to, whatever the address says.
    pub socket: Option<&'a Path>,
    /// A key for the server.
    pub key: Option<Key>,
    /// The name of the input, where the server does not say what the model takes.
    pub input: Option<&'a str>,
}

impl InferenceClient {
    /// Asks the server at `address` what the model takes. `output` is the one to ask for, where it matters.
    pub async fn connect(
        address: Address<'_>,
        output: Option<&str>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        let base = address.url.trim_end_matches('/');
        let base = base.strip_suffix("/infer").unwrap_or(base);
        if !base.contains("/v2/models/") {
            return Err(EndpointError::Setting(format!(
                "{base} is no address of a model; write it as https://host/v2/models/NAME"
            )));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(key) = &address.key {
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose()))?);
        }
        let keys: Vec<Key> = address.key.into_iter().collect();
        let sender = |method, url: &str| {
            Sender::through(method, url, address.socket, headers.clone(), keys.clone(), limits.clone())
        };
        let about = sender(Method::GET, base)?;
        let metadata = match about.ask(Bytes::new()).await {
            Ok((bytes, _)) => Metadata::read(&bytes).map_err(|error| {
                EndpointError::Answer(format!("what {} says of the model: {error}", about.shown()))
            })?,
            Err(EndpointError::Status { status: 404 | 405 | 501, .. }) if address.input.is_some() => {
                Metadata::none()
            }
            Err(error) => return Err(error),
        };
        let input = match (metadata.inputs.as_slice(), address.input) {
            ([input], _) => input.clone(),
            ([], Some(name)) => {
                Declared { name: name.to_owned(), datatype: "FP32".to_owned(), shape: Vec::new() }
            }
            ([], None) => {
                return Err(EndpointError::Setting(format!(
                    "{} does not say what the model takes; name its input (--input-tensor)",
                    about.shown()
                )));
            }
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|i| i.name.as_str()).collect();
                return Err(EndpointError::Setting(format!(
                    "the model has {} inputs ({}); one that takes whole rows is wanted. Put a model before it that \
                     joins them, or ask it by a template",
                    names.len(),
                    names.join(", ")
                )));
            }
        };
        if let Some(wanted) = output
            && !metadata.outputs.is_empty()
            && !metadata.outputs.iter().any(|o| o.name == wanted)
        {
            let names: Vec<&str> = metadata.outputs.iter().map(|o| o.name.as_str()).collect();
            return Err(EndpointError::Setting(format!(
                "the model has no output {wanted:?}; it has {}",
                names.join(", ")
            )));
        }
        let infer = sender(Method::POST, &format!("{base}/infer"))?;
        Ok(Self { input, metadata, output: output.map(str::to_owned), infer })
    }

    /// What the server says of the model.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Refuses rows of another shape than the model declares. A layout is never guessed.
    pub fn admits(&self, shape: &[usize]) -> Result<(), EndpointError> {
        // What is not said is for the server to judge.
        if self.input.shape.is_empty() {
            return Ok(());
        }
        let fits = self.input.shape.split_first().is_some_and(|(_, row)| {
            row.len() == shape.len() && row.iter().zip(shape).all(|(d, n)| d.is_none_or(|d| d == *n))
        });
        if fits {
            return Ok(());
        }
        let dimension = |d: &Option<usize>| d.map_or_else(|| "any".to_owned(), |d| d.to_string());
        let declared: Vec<String> = self.input.shape.iter().map(dimension).collect();
        let sorted = |mut sizes: Vec<usize>| {
            sizes.sort_unstable();
            sizes
        };
        let known: Option<Vec<usize>> = self.input.shape.iter().skip(1).copied().collect();
        let hint = match known {
            Some(known) if sorted(known.clone()) == sorted(shape.to_vec()) => {
                "; the same sizes in another order: channels first or last? Transpose the rows"
            }
            Some(known) if known.iter().product::<usize>() == shape.iter().product::<usize>() => {
                "; as many values in another shape: reshape the rows"
            }
            _ => "",
        };
        Err(EndpointError::Setting(format!(
            "the input {:?} takes the shape [{}], the first being the number of rows, and a row here has the shape \
             {shape:?}{hint}",
            self.input.name,
            declared.join(", ")
        )))
    }

    /// The most rows of one request that the model's declaration admits.
    #[must_use]
    pub fn most_rows(&self) -> Option<usize> {
        self.input.shape.first().copied().flatten()
    }
}

impl Metadata {
    /// Of a server that says nothing.
    const fn none() -> Self {
        Self {
            name: String::new(),
            versions: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            digest: None,
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, EndpointError> {
        let wrong = |why: &str| EndpointError::Answer(why.to_owned());
        let value = tensor::parse(bytes)?;
        let name = value.get("name").and_then(Value::as_str).ok_or_else(|| wrong("it has no name"))?;
        let tensors = |key: &str| {
            Declared::list(value.get(key))
                .ok_or_else(|| wrong(&format!("its {key} are not told as the protocol has it")))
        };
        // Shown to people, on terminals.
        let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(SHOWN).collect::<String>();
        let versions = value.get("versions").and_then(Value::as_array).into_iter().flatten();
        let digest = value.pointer("/parameters/proofhouse_model_digest").and_then(Value::as_str);
        Ok(Self {
            name: plain(name),
            versions: versions.filter_map(Value::as_str).take(SHOWN).map(plain).collect(),
            inputs: tensors("inputs")?,
            outputs: tensors("outputs")?,
            digest: digest.map(plain),
        })
    }
}

impl RowTarget for InferenceClient {
    fn describe(&self) -> String {
        self.infer.shown()
    }

    fn ask<'a>(&'a self, rows: Rows<'a>) -> Rowwise<'a> {
        Box::pin(async move {
            let body = rows.request(&self.input, self.output.as_deref())?;
            let (bytes, attempts) = self.infer.ask(Bytes::from(body)).await?;
            let clean = |error: EndpointError| EndpointError::Answer(self.infer.clean(&error.to_string()));
            let outputs = tensor::parse(&bytes).and_then(|answer| tensor::outputs(&answer)).map_err(clean)?;
            Ok(Answers { outputs, attempts })
        })
    }
}

/// Waits until something that is starting answers, at most this long. `alive` says whether it may still.
pub async fn until_answered<T, F: Future<Output = Result<T, EndpointError>>>(
    mut ask: impl FnMut() -> F,
    alive: impl Fn() -> bool,
    most: Duration,
) -> Result<T, EndpointError> {
    const PAUSE: Duration = Duration::from_millis(100);
    let began = tokio::time::Instant::now();
    loop {
        match ask().await {
            Err(error) if error.may_pass() && alive() && began.elapsed() < most => {
                tokio::time::sleep(PAUSE).await
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_read_or_refused() {
        let text = r#"{"name": "m\u001b", "versions": ["1"], "platform": "sklearn", "inputs": [{"name": "x",
            "datatype": "FP32", "shape": [-1, 4]}], "outputs": [], "parameters": {"proofhouse_model_digest": "sha256:0"}}"#;
        let metadata = Metadata::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(metadata.name, "m");
        assert_eq!(metadata.inputs[0].shape, [None, Some(4)]);
        assert_eq!(metadata.digest.as_deref(), Some("sha256:0"));
        for text in
            ["{}", r#"{"name": "m"}"#, r#"{"name": "m", "inputs": [{"name": "x"}], "outputs": []}"#, "x"]
        {
            assert!(Metadata::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! What a server says of a model, and which of its inputs and outputs an attack is about.

use serde_json::Value;

use crate::EndpointError;
use crate::element::{Element, Fed};
use crate::tensor::{self, Declared, Rows};

/// Most characters of a name, and most versions, that are kept.
const SHOWN: usize = 200;

/// What a server says of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The model's name; empty where nothing is said.
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

impl Metadata {
    /// Reads what a server says in JSON.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, EndpointError> {
        let wrong = |why: &str| EndpointError::Answer(why.to_owned());
        let value = tensor::parse(bytes)?;
        let name = value.get("name").and_then(Value::as_str).ok_or_else(|| wrong("it has no name"))?;
        let tensors = |key: &str| {
            Declared::list(value.get(key))
                .ok_or_else(|| wrong(&format!("its {key} are not told as the protocol has it")))
        };
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

/// A text of a server that is shown to people, on terminals.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// Which inputs and outputs of a model are asked about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Signature {
    /// All inputs, in the model's order.
    inputs: Vec<Declared>,
    /// Which of them takes the rows.
    attacked: usize,
    pub output: Option<String>,
}

impl Signature {
    /// The input called `input`, or the only one; the output called `output`, or all. `target` is who says so.
    pub(crate) fn of(
        metadata: &Metadata,
        input: Option<&str>,
        output: Option<&str>,
        target: &str,
    ) -> Result<Self, EndpointError> {
        let refuse = |why: String| EndpointError::Setting(why);
        let list = |tensors: &[Declared]| tensors.iter().map(Declared::says).collect::<Vec<_>>().join(", ");
        let inputs = metadata.inputs.as_slice();
        let attacked = match (inputs, input) {
            ([], None) => {
                return Err(refuse(format!(
                    "{target} does not say what the model takes; name its input (--input-tensor)"
                )));
            }
            ([], Some(_)) | ([_], None) => 0,
            (inputs, Some(name)) => {
                inputs.iter().position(|declared| declared.name == name).ok_or_else(|| {
                    refuse(format!("the model has no input {name:?}; it takes {}", list(inputs)))
                })?
            }
            (several, None) => {
                return Err(refuse(format!(
                    "the model has {} inputs: {}. Name the one to attack (--input-tensor); the data holds each of the \
                     others as an array of its name",
                    several.len(),
                    list(several)
                )));
            }
        };
        if let Some(wanted) = output
            && !metadata.outputs.is_empty()
            && !metadata.outputs.iter().any(|o| o.name == wanted)
        {
            return Err(refuse(format!(
                "the model has no output {wanted:?}; it has {}",
                list(&metadata.outputs)
            )));
        }
        let unsaid = input.filter(|_| inputs.is_empty()).map(|name| Declared {
            name: name.to_owned(),
            datatype: "FP32".to_owned(),
            shape: Vec::new(),
        });
        let inputs = inputs.iter().cloned().chain(unsaid).collect();
        Ok(Self { inputs, attacked, output: output.map(str::to_owned) })
    }

    /// The input that takes the rows.
    pub(crate) fn attacked(&self) -> Option<&Declared> {
        self.inputs.get(self.attacked)
    }

    /// All other inputs.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Declared> {
        let attacked = self.attacked;
        self.inputs.iter().enumerate().filter(move |(at, _)| *at != attacked).map(|(_, declared)| declared)
    }

    /// The most rows of one request that the declaration admits.
    pub(crate) fn most_rows(&self) -> Option<usize> {
        self.attacked()?.shape.first().copied().flatten()
    }

    /// Refuses rows of another shape than the model declares. A layout is never guessed.
    pub(crate) fn admits(&self, shape: &[usize]) -> Result<(), EndpointError> {
        // What is not said is for the server to judge.
        let Some(input) = self.attacked().filter(|input| !input.shape.is_empty()) else { return Ok(()) };
        let fits = input.shape.split_first().is_some_and(|(_, row)| {
            row.len() == shape.len() && row.iter().zip(shape).all(|(d, n)| d.is_none_or(|d| d == *n))
        });
        if fits {
            return Ok(());
        }
        let sorted = |mut sizes: Vec<usize>| {
            sizes.sort_unstable();
            sizes
        };
        let known: Option<Vec<usize>> = input.shape.iter().skip(1).copied().collect();
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
            "the input {:?} takes the shape {}, the first being the number of rows, and a row here has the shape \
             {shape:?}{hint}",
            input.name,
            input.dimensions()
        )))
    }

    /// The values of every input for a question, in the datatypes that the model declares.
    pub(crate) fn feed<'a>(&'a self, rows: &Rows<'a>) -> Result<Vec<Fed<'a>>, EndpointError> {
        let fed = |(at, declared): (usize, &'a Declared)| {
            let named = (declared.name.as_str(), declared.datatype.as_str());
            if at == self.attacked {
                return Fed::new(named, rows.dimensions(), rows.values.iter().map(|v| f64::from(*v)));
            }
            let other = rows.others.iter().find(|other| other.name == declared.name).ok_or_else(|| {
                EndpointError::Setting(format!(
                    "the model also takes {}, which is not given",
                    declared.says()
                ))
            })?;
            Fed::new(named, other.shape.clone(), other.values.iter().copied())
        };
        self.inputs.iter().enumerate().map(fed).collect()
    }
}

impl Declared {
    /// Its dimensions in words.
    #[must_use]
    pub fn dimensions(&self) -> String {
        let size = |d: &Option<usize>| d.map_or_else(|| "any".to_owned(), |d| d.to_string());
        format!("[{}]", self.shape.iter().map(size).collect::<Vec<_>>().join(", "))
    }

    /// Its name, datatype and dimensions in words.
    #[must_use]
    pub fn says(&self) -> String {
        format!("{:?} ({} {})", self.name, self.datatype, self.dimensions())
    }

    /// Its datatype, where the protocol has it.
    #[must_use]
    pub fn element(&self) -> Option<Element> {
        Element::read(&self.datatype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Companion;

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

    fn declared(name: &str, datatype: &str, shape: &[Option<usize>]) -> Declared {
        Declared { name: name.into(), datatype: datatype.into(), shape: shape.to_vec() }
    }

    #[test]
    fn which_input_is_meant_is_said_or_asked_for() {
        let two = Metadata {
            inputs: vec![
                declared("age", "INT64", &[None, Some(1)]),
                declared("pixels", "UINT8", &[Some(8), Some(4)]),
            ],
            outputs: vec![declared("y", "FP32", &[None, Some(2)])],
            ..Metadata::default()
        };
        let of = |input, output| Signature::of(&two, input, output, "a server");
        let says = |error: Result<Signature, EndpointError>| error.map(|_| ()).unwrap_err().to_string();
        let asked = says(of(None, None));
        assert!(asked.contains("\"age\" (INT64 [any, 1]), \"pixels\" (UINT8 [8, 4])"), "{asked}");
        assert!(says(of(Some("x"), None)).contains("no input \"x\""));
        assert!(says(of(Some("age"), Some("z"))).contains("no output \"z\"; it has \"y\""));
        let pixels = of(Some("pixels"), None).unwrap();
        assert_eq!(pixels.most_rows(), Some(8));
        assert_eq!(pixels.others().map(|other| other.name.as_str()).collect::<Vec<_>>(), ["age"]);
        assert!(pixels.admits(&[4]).is_ok());
        let other = [Companion { name: "age".into(), shape: vec![2, 1], values: vec![31.0, -4.0] }];
        let values = [0.0, 255.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let rows = Rows { values: &values, shape: &[4], others: &other };
        let fed = pixels.feed(&rows).unwrap();
        assert_eq!(
            fed.iter().map(|f| (f.name, f.shape.clone())).collect::<Vec<_>>(),
            [("age", vec![2, 1]), ("pixels", vec![2, 4])]
        );
        let error = pixels.feed(&Rows { others: &[], ..rows }).unwrap_err().to_string();
        assert!(error.contains("also takes \"age\""), "{error}");
        let halves = Rows { values: &[0.5; 4], ..rows };
        assert!(pixels.feed(&halves).unwrap_err().to_string().contains("0.5, is no whole number"));
    }
}

//! `LabelEncoder` and `OneHotEncoder`: values in the place of others, and a place for each value.

use std::collections::HashMap;

use super::value::{Value, Whole};
use super::words::Words;
use crate::OnnxError;
use crate::graph::{Attribute, Constant, Node, Values};
use crate::tensor::volume;

/// Values in the place of others; every other value becomes the same one.
#[derive(Debug)]
pub(super) struct LabelEncoder {
    /// Keys by their bits: a float is the same as another where its bits are, save the zeros.
    places: HashMap<Key, usize>,
    values: List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Int(i64),
    Float(u32),
}

/// What values become, and what every value without a key becomes.
#[derive(Debug)]
enum List {
    Floats(Vec<f32>, f32),
    Ints(Vec<i32>, i32),
}

impl LabelEncoder {
    pub(super) fn of(node: &Node, words: &Words) -> Result<Self, OnnxError> {
        let keys = keys(node, words)?;
        let values = values(node, words)?;
        let count = match &values {
            List::Floats(values, _) => values.len(),
            List::Ints(values, _) => values.len(),
        };
        if keys.len() != count {
            return Err(node.broken(format!("{} keys do not go with {count} values", keys.len())));
        }
        let mut places = HashMap::with_capacity(keys.len());
        for (at, key) in keys.into_iter().enumerate() {
            places.entry(key).or_insert(at);
        }
        Ok(Self { places, values })
    }

    pub(super) fn run(&self, x: &Value) -> Result<Value, OnnxError> {
        let at: Vec<Option<usize>> = match x {
            Value::Float(tensor) => tensor.data().iter().map(|v| self.place(float_key(*v))).collect(),
            Value::Int(whole) => whole.data.iter().map(|v| self.place(Key::Int(i64::from(*v)))).collect(),
        };
        let shape = x.shape().to_vec();
        match &self.values {
            List::Floats(values, other) => {
                Value::floats(shape, at.into_iter().map(|at| pick(values, at, *other)).collect())
            }
            List::Ints(values, other) => {
                Value::ints(shape, at.into_iter().map(|at| pick(values, at, *other)).collect())
            }
        }
    }

    fn place(&self, key: Key) -> Option<usize> {
        self.places.get(&key).copied()
    }
}

fn pick<T: Copy>(values: &[T], at: Option<usize>, other: T) -> T {
    at.and_then(|at| values.get(at)).copied().unwrap_or(other)
}

fn float_key(value: f32) -> Key {
    Key::Float(if value.is_nan() { f32::NAN } else { value + 0.0 }.to_bits())
}

fn keys(node: &Node, words: &Words) -> Result<Vec<Key>, OnnxError> {
    let text = |text: &String| Key::Int(i64::from(words.number(text)));
    let int = |v: &i64| Key::Int(*v);
    if let Some(Attribute::Tensor(keys)) = node.attributes.get("keys_tensor") {
        return match (&keys.values, keys.texts()) {
            (_, Some(texts)) => Ok(texts.iter().map(text).collect()),
            (Values::Float32(v), _) => Ok(v.iter().map(|v| float_key(*v)).collect()),
            (Values::Float64(v), _) => Ok(v.iter().map(|v| float_key(*v as f32)).collect()),
            (Values::Int(v), _) => Ok(v.iter().map(int).collect()),
            _ => Err(node.broken("its keys are of a type that is not read")),
        };
    }
    let texts = node.texts("keys_strings")?;
    let ints = node.ints("keys_int64s")?;
    if !texts.is_empty() || !ints.is_empty() {
        return Ok(texts.iter().map(text).chain(ints.iter().map(int)).collect());
    }
    // The first version: the place of a text in a list.
    let classes = node.texts("classes_strings")?;
    if !classes.is_empty() {
        return Ok(classes.iter().map(text).collect());
    }
    Ok(node.floats("keys_floats")?.into_iter().map(float_key).collect())
}

fn values(node: &Node, words: &Words) -> Result<List, OnnxError> {
    let small = |v: &i64| i32::try_from(*v).map_err(|_| node.broken(format!("value {v} is beyond 32 bits")));
    let text = |text: &String| words.number(text);
    let default = |name: &str| node.attributes.get(name).or_else(|| node.attributes.get("default_tensor"));
    let default_float = || match default("default_float") {
        Some(Attribute::Float(v)) => *v,
        Some(Attribute::Tensor(c)) => c.floats().and_then(|v| v.first().copied()).unwrap_or(0.0),
        _ => 0.0,
    };
    let default_int = || match default("default_int64") {
        Some(Attribute::Int(v)) => small(v),
        Some(Attribute::Tensor(Constant { values: Values::Int(v), .. })) => v.first().map_or(Ok(-1), small),
        _ => Ok(-1),
    };
    let default_text = || match default("default_string") {
        Some(Attribute::Text(v)) => words.number(v),
        Some(Attribute::Tensor(c)) => c.texts().and_then(|v| v.first().map(text)).unwrap_or(-1),
        _ => words.number("_Unused"),
    };
    if let Some(Attribute::Tensor(values)) = node.attributes.get("values_tensor") {
        return match (&values.values, values.texts()) {
            (_, Some(texts)) => Ok(List::Ints(texts.iter().map(text).collect(), default_text())),
            (Values::Float32(v), _) => Ok(List::Floats(v.clone(), default_float())),
            (Values::Float64(v), _) => {
                Ok(List::Floats(v.iter().map(|v| *v as f32).collect(), default_float()))
            }
            (Values::Int(v), _) => {
                Ok(List::Ints(v.iter().map(small).collect::<Result<_, _>>()?, default_int()?))
            }
            _ => Err(node.broken("its values are of a type that is not read")),
        };
    }
    let texts = node.texts("values_strings")?;
    if !texts.is_empty() {
        return Ok(List::Ints(texts.iter().map(text).collect(), default_text()));
    }
    let ints = node.ints("values_int64s")?;
    let classes = node.texts("classes_strings")?;
    if !ints.is_empty() || !classes.is_empty() {
        let places = (0..classes.len() as i64).collect::<Vec<_>>();
        let ints = if ints.is_empty() { &places } else { ints };
        return Ok(List::Ints(ints.iter().map(small).collect::<Result<_, _>>()?, default_int()?));
    }
    Ok(List::Floats(node.floats("values_floats")?, default_float()))
}

/// Most numbers that a one-hot encoding may hold.
const MAX_PLACES: usize = 1 << 28;

/// A place for each category.
#[derive(Debug)]
pub(super) struct OneHot {
    places: HashMap<i64, usize>,
    width: usize,
    /// Whether a value that is no category is none of them; else it is an error.
    zeros: bool,
}

impl OneHot {
    pub(super) fn of(node: &Node, words: &Words) -> Result<Self, OnnxError> {
        let texts = node.texts("cats_strings")?;
        let categories: Vec<i64> = match node.ints("cats_int64s")? {
            [] => texts.iter().map(|text| i64::from(words.number(text))).collect(),
            ints => ints.to_vec(),
        };
        let width = categories.len();
        let places = categories.into_iter().enumerate().map(|(at, category)| (category, at)).collect();
        Ok(Self { places, width, zeros: node.int("zeros", 1)? != 0 })
    }

    pub(super) fn run(&self, node: &Node, x: &Value) -> Result<Value, OnnxError> {
        let wanted: Vec<i64> = match x {
            // A number is the whole number below it.
            Value::Float(tensor) => tensor.data().iter().map(|v| *v as i64).collect(),
            Value::Int(Whole { data, .. }) => data.iter().map(|v| i64::from(*v)).collect(),
        };
        let shape = [x.shape(), &[self.width]].concat();
        let size = volume(&shape).filter(|n| *n <= MAX_PLACES);
        let size = size.ok_or_else(|| node.broken("it makes more numbers than are evaluated here"))?;
        let mut data = vec![0.0; size];
        for (value, places) in wanted.iter().zip(data.chunks_exact_mut(self.width.max(1))) {
            match self.places.get(value).and_then(|at| places.get_mut(*at)) {
                Some(place) => *place = 1.0,
                None if self.zeros => {}
                None => {
                    return Err(OnnxError::Run(format!(
                        "{value} is none of the categories of {:?}",
                        node.name
                    )));
                }
            }
        }
        Value::floats(shape, data)
    }
}

//! How much room layers ask for: building a layer makes its weights before any are read.

use proofhouse_artifact::json::Value;

/// Numbers of a layer of which each has weights, or values of its own.
const WIDE: [&str; 11] = [
    "units",
    "filters",
    "output_dim",
    "key_dim",
    "value_dim",
    "num_heads",
    "depth_multiplier",
    "intermediate_dim",
    "hidden_dim",
    "vocabulary_size",
    "projection_units",
];
/// Lists of numbers that are the dimensions of something that is made.
const SHAPES: [&str; 8] = [
    "target_shape",
    "shape",
    "batch_shape",
    "batch_input_shape",
    "kernel_size",
    "pool_size",
    "padding",
    "size",
];
/// A number of units that no layer has.
const MOST_UNITS: f64 = 67_108_864.0;
/// Elements for which no machine has room.
const MOST_ELEMENTS: f64 = 34_359_738_368.0;
/// Weights between two layers for which no machine has room: 2^38 are a TiB of single precision.
const MOST_WEIGHTS: f64 = 274_877_906_944.0;
/// Units up to which a layer is not held against the weights that there are, and how much more than their bytes it may be:
/// what is packed is a thousandth at least.
const FEW_UNITS: f64 = 1_000_000.0;
const PACKED: f64 = 2048.0;

/// Gathers the sizes of a document.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// The widest layers.
    widest: f64,
    next: f64,
    excess: Option<String>,
}

impl Sizes {
    /// An object of a class, with its configuration.
    pub(super) fn layer(&mut self, class: &str, config: &Value) {
        let mut rows = (1.0, 1.0);
        for (key, value) in config.as_object().unwrap_or_default() {
            let key = key.as_str();
            if WIDE.contains(&key) || key == "n" && class == "RepeatVector" {
                let Some(number) = number(value) else { continue };
                self.told(number > MOST_UNITS, || format!("{key} of a layer {class} is {number}"));
                if key != "vocabulary_size" && key != "n" {
                    self.next = self.next.max(number.min(self.widest));
                    self.widest = self.widest.max(number);
                }
                if key == "output_dim" {
                    rows.0 = number;
                }
            } else if key == "input_dim" {
                rows.1 = number(value).unwrap_or(1.0);
            } else if SHAPES.contains(&key) {
                let product = product(value);
                self.told(product > MOST_ELEMENTS, || {
                    format!("{key} of a layer {class} asks for {product} elements")
                });
            }
        }
        let weights = rows.0 * rows.1;
        self.told(weights > MOST_WEIGHTS, || format!("a layer {class} takes {weights} weights"));
    }

    fn told(&mut self, excess: bool, message: impl FnOnce() -> String) {
        if excess && self.excess.is_none() {
            self.excess = Some(message());
        }
    }

    /// What no machine has room for, or what weights of so many bytes could not fill.
    pub(super) fn excess(mut self, weights: Option<u64>) -> Option<String> {
        let between = self.widest * self.next;
        self.told(between > MOST_WEIGHTS, || {
            format!("two layers are so wide that {between} weights lie between them")
        });
        #[expect(clippy::cast_precision_loss, reason = "held against a multiple")]
        let bytes = weights.map_or(f64::INFINITY, |bytes| bytes as f64);
        let widest = self.widest;
        self.told(widest > FEW_UNITS.max(bytes * PACKED), || {
            format!("a layer of {widest} units has {bytes} bytes of weights beside it")
        });
        self.excess
    }
}

fn number(value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "held against powers of two")]
    match value {
        Value::Integer(n) => Some(*n as f64),
        // What is larger than any whole number here is written as one all the same.
        Value::Number(n) => Some(*n),
        _ => None,
    }
}

/// The product of all numbers of lists in lists; what is no number is one.
fn product(value: &Value) -> f64 {
    let (mut product, mut stack) = (1.0, vec![value]);
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(values) => stack.extend(values),
            other => product *= number(other).map_or(1.0, |n| n.max(1.0)),
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(layers: &[(&str, &str)], weights: Option<u64>) -> bool {
        let mut sizes = Sizes::default();
        for (class, config) in layers {
            sizes.layer(class, &proofhouse_artifact::json::parse(config.as_bytes(), 1000).unwrap());
        }
        sizes.excess(weights).is_some()
    }

    #[test]
    fn layers_without_room_are_told_and_large_ones_are_not() {
        for (layers, weights) in [
            (&[("Dense", r#"{"units": 2147483647}"#)][..], None),
            (&[("Dense", r#"{"units": 1048576}"#), ("Dense", r#"{"units": 1048576}"#)], None),
            (&[("Embedding", r#"{"input_dim": 4294967296, "output_dim": 1024}"#)], None),
            (&[("Reshape", r#"{"target_shape": [1048576, 1048576]}"#)], None),
            (&[("RepeatVector", r#"{"n": 2147483647}"#)], None),
            (&[("ZeroPadding2D", r#"{"padding": [[1048576, 1], [1048576, 1]]}"#)], None),
            (&[("Conv2D", r#"{"filters": 50000000}"#)], Some(17_000)),
        ] {
            assert!(told(layers, weights), "{layers:?}");
        }
        for (layers, weights) in [
            (&[("Dense", r#"{"units": 250000}"#), ("Dense", r#"{"units": 65536}"#)][..], Some(1 << 20)),
            (&[("Embedding", r#"{"input_dim": 50000000, "output_dim": 64}"#)], None),
            (&[("Input", r#"{"batch_shape": [null, 4096, 4096, 3]}"#)], Some(100)),
        ] {
            assert!(!told(layers, weights), "{layers:?}");
        }
    }
}

//! Shapes without chunks: a reader makes room for the whole array and fills what is missing with one value.

use proofhouse_artifact::json::Value;

use super::{named_width, product, width};

/// What no machine that loads a model has room for.
const MOST: u64 = 64 << 30;
/// Of so many chunks one at least is there where somebody wrote the array.
const SPARSEST: u64 = 4096;

/// What is wrong with the shape that a description claims, where `present` of its chunks are there.
pub(super) fn fault(document: &Value, present: u64) -> Option<String> {
    let shape = document.member("shape")?;
    let grid = document.member("chunk_grid").and_then(|grid| grid.member("configuration"));
    // Of a type that is put together an element has one byte at least.
    let (chunk, width) = match document.member("dtype") {
        Some(kind) => (document.member("chunks")?, kind.as_text().and_then(width).unwrap_or(1)),
        None => {
            let kind = document.member("data_type").and_then(Value::as_text);
            (grid?.member("chunk_shape")?, kind.and_then(named_width).unwrap_or(1))
        }
    };
    let bytes = product(shape, width).unwrap_or(u64::MAX);
    let each = |(whole, part): (&Value, &Value)| Some(whole.as_size()?.div_ceil(part.as_size()?.max(1)));
    let lengths: Option<Vec<u64>> = shape.as_array()?.iter().zip(chunk.as_array()?).map(each).collect();
    let chunks = lengths?.into_iter().try_fold(1u64, u64::checked_mul).unwrap_or(u64::MAX);
    // A chunk is read as a whole: one that is larger than what a machine has is nobody's.
    let huge = product(chunk, width).is_none_or(|bytes| bytes > MOST);
    let sparse = present == 0 || chunks / present > SPARSEST || huge;
    (bytes > MOST && sparse).then(|| {
        format!("an array claims {bytes} bytes in {chunks} chunks, of which {present} are there: its reader makes room for all")
    })
}

#[cfg(test)]
mod tests {
    use proofhouse_artifact::json;

    use super::fault;

    #[test]
    fn what_is_claimed_is_there_or_fits_into_a_machine() {
        let found =
            |text: &str, present| fault(&json::parse(text.as_bytes(), 1000).unwrap(), present).is_some();
        let second = r#"{"zarr_format":2,"shape":[1048576,1048576],"chunks":[1024,1024],"dtype":"<f4"}"#;
        let third = r#"{"zarr_format":3,"node_type":"array","shape":[1048576,1048576],"data_type":"float32","chunk_grid":{"name":"regular","configuration":{"chunk_shape":[1048576,1048576]}}}"#;
        let small = r#"{"zarr_format":2,"shape":[4096,4096],"chunks":[1024,1024],"dtype":"<f4"}"#;
        assert!(found(second, 0) && found(second, 3) && found(third, 0));
        let chunked =
            r#"{"zarr_format":2,"shape":[4503599627370496],"chunks":[1099511627776],"dtype":[["a","|u1"]]}"#;
        assert!(found(third, 1) && found(chunked, 4));
        assert!(!found(second, 1 << 20) && !found(small, 0));
    }
}

//! The bytes of a model: walking a directory, the model digest, memory maps, format detection by content,
//! and the structure of ONNX, safetensors, pickle and zip files.
//!
//! Nothing here judges. A walker reports what a file says and where it contradicts itself, as typed values
//! with byte offsets; what that means is for the engines above.
//!
//! Everything reads untrusted bytes: lengths are checked against what is there before anything is
//! allocated, nesting is walked with explicit stacks, and counts are bounded.

pub mod arrow;
pub mod avro;
pub mod boosters;
mod calls;
pub mod checkpoint;
pub mod coreml;
pub mod crc32c;
pub mod crfsuite;
pub mod cursor;
mod error;
pub mod executorch;
pub mod flatbuffer;
pub mod format;
pub mod ggml;
pub mod gguf;
pub mod hdf5;
pub mod json;
pub mod lmdb;
mod loaded;
pub mod mapped;
pub mod matlab;
pub mod media;
pub mod msgpack;
pub mod neighbours;
pub mod ocdbt;
pub mod onnx;
pub mod paddle;
pub mod pickle;
pub mod protobuf;
pub mod raw;
pub mod rds;
pub mod records;
pub mod safetensors;
pub mod sevenzip;
pub mod stream;
pub mod tar;
pub mod tensorflow;
pub mod tflite;
mod tree;
pub mod trigger;
pub mod vectors;
pub mod xml;
pub mod zip;

pub use error::ArtifactError;
pub use format::Format;
pub use loaded::LoadedTree;
pub use tree::{Tree, TreeFile, TreeOptions, hash_tree, list_tree};

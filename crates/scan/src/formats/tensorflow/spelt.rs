//! Graphs in the text format of Protocol Buffers: `saved_model.pbtxt`, which `tf.saved_model.load` reads as it does
//! `saved_model.pb`, and graphs alone. Fields after TensorFlow's `core/protobuf` and `core/framework`.

use proofhouse_artifact::protobuf::Fields;
use proofhouse_artifact::tensorflow::Root;

use crate::formats::spelt::Kind::{Bytes, Double, Enum, Float, Int, Message as M, Text};
use crate::formats::spelt::{self, Row};

const DIM: &[Row] = &[("size", 1, Int), ("name", 2, Text)];
const SHAPE: &[Row] = &[("dim", 2, M(|| DIM)), ("unknown_rank", 3, Int)];
const TENSOR: &[Row] = &[
    ("dtype", 1, Enum(data_type)),
    ("tensor_shape", 2, M(|| SHAPE)),
    ("version_number", 3, Int),
    ("tensor_content", 4, Bytes),
    ("float_val", 5, Float),
    ("double_val", 6, Double),
    ("int_val", 7, Int),
    ("string_val", 8, Bytes),
    ("scomplex_val", 9, Float),
    ("int64_val", 10, Int),
    ("bool_val", 11, Int),
    ("dcomplex_val", 12, Double),
    ("half_val", 13, Int),
    ("uint32_val", 16, Int),
    ("uint64_val", 17, Int),
];
const CALL: &[Row] = &[("name", 1, Text), ("attr", 2, M(|| ATTRIBUTE))];
const LIST: &[Row] = &[
    ("s", 2, Bytes),
    ("i", 3, Int),
    ("f", 4, Float),
    ("b", 5, Int),
    ("type", 6, Enum(data_type)),
    ("shape", 7, M(|| SHAPE)),
    ("tensor", 8, M(|| TENSOR)),
    ("func", 9, M(|| CALL)),
];
const VALUE: &[Row] = &[
    ("list", 1, M(|| LIST)),
    ("s", 2, Bytes),
    ("i", 3, Int),
    ("f", 4, Float),
    ("b", 5, Int),
    ("type", 6, Enum(data_type)),
    ("shape", 7, M(|| SHAPE)),
    ("tensor", 8, M(|| TENSOR)),
    ("placeholder", 9, Text),
    ("func", 10, M(|| CALL)),
];
const ATTRIBUTE: &[Row] = &[("key", 1, Text), ("value", 2, M(|| VALUE))];
const NODE: &[Row] = &[
    ("name", 1, Text),
    ("op", 2, Text),
    ("input", 3, Text),
    ("device", 4, Text),
    ("attr", 5, M(|| ATTRIBUTE)),
];
const ARGUMENT: &[Row] = &[
    ("name", 1, Text),
    ("description", 2, Text),
    ("type", 3, Enum(data_type)),
    ("type_attr", 4, Text),
    ("number_attr", 5, Text),
    ("type_list_attr", 6, Text),
];
const OPERATION: &[Row] = &[
    ("name", 1, Text),
    ("input_arg", 2, M(|| ARGUMENT)),
    ("output_arg", 3, M(|| ARGUMENT)),
    ("summary", 5, Text),
    ("description", 6, Text),
    ("is_stateful", 17, Int),
    ("control_output", 20, Text),
];
const NAMES: &[Row] = &[("key", 1, Text), ("value", 2, Text)];
const FUNCTION: &[Row] = &[
    ("signature", 1, M(|| OPERATION)),
    ("node_def", 3, M(|| NODE)),
    ("ret", 4, M(|| NAMES)),
    ("attr", 5, M(|| ATTRIBUTE)),
    ("control_ret", 6, M(|| NAMES)),
];
const GRADIENT: &[Row] = &[("function_name", 1, Text), ("gradient_func", 2, Text)];
const LIBRARY: &[Row] = &[("function", 1, M(|| FUNCTION)), ("gradient", 2, M(|| GRADIENT))];
const VERSIONS: &[Row] = &[("producer", 1, Int), ("min_consumer", 2, Int), ("bad_consumers", 3, Int)];
const GRAPH: &[Row] = &[
    ("node", 1, M(|| NODE)),
    ("library", 2, M(|| LIBRARY)),
    ("version", 3, Int),
    ("versions", 4, M(|| VERSIONS)),
    // Of it nothing is read.
    ("debug_info", 5, M(|| &[])),
];
const INFO: &[Row] = &[("meta_graph_version", 1, Text), ("tags", 4, Text), ("tensorflow_version", 5, Text)];
const SAVER: &[Row] =
    &[("filename_tensor_name", 1, Text), ("save_tensor_name", 2, Text), ("restore_op_name", 3, Text)];
const BYTES_LIST: &[Row] = &[("value", 1, Bytes)];
const COLLECTED: &[Row] = &[("node_list", 1, M(|| BYTES_LIST)), ("bytes_list", 2, M(|| BYTES_LIST))];
const COLLECTION: &[Row] = &[("key", 1, Text), ("value", 2, M(|| COLLECTED))];
const TENSOR_INFO: &[Row] =
    &[("name", 1, Text), ("dtype", 2, Enum(data_type)), ("tensor_shape", 3, M(|| SHAPE))];
const INFO_ENTRY: &[Row] = &[("key", 1, Text), ("value", 2, M(|| TENSOR_INFO))];
const SIGNATURE: &[Row] =
    &[("inputs", 1, M(|| INFO_ENTRY)), ("outputs", 2, M(|| INFO_ENTRY)), ("method_name", 3, Text)];
const SIGNATURE_ENTRY: &[Row] = &[("key", 1, Text), ("value", 2, M(|| SIGNATURE))];
const ASSET: &[Row] = &[("tensor_info", 1, M(|| TENSOR_INFO)), ("filename", 2, Text)];
const USER_OBJECT: &[Row] = &[("identifier", 1, Text), ("metadata", 3, Text)];
const OBJECT: &[Row] = &[("user_object", 4, M(|| USER_OBJECT))];
const OBJECTS: &[Row] = &[("nodes", 1, M(|| OBJECT))];
const META_GRAPH: &[Row] = &[
    ("meta_info_def", 1, M(|| INFO)),
    ("graph_def", 2, M(|| GRAPH)),
    ("saver_def", 3, M(|| SAVER)),
    ("collection_def", 4, M(|| COLLECTION)),
    ("signature_def", 5, M(|| SIGNATURE_ENTRY)),
    ("asset_file_def", 6, M(|| ASSET)),
    ("object_graph_def", 7, M(|| OBJECTS)),
];
const SAVED_MODEL: &[Row] = &[("saved_model_schema_version", 1, Int), ("meta_graphs", 2, M(|| META_GRAPH))];

/// What a text stands for and its bytes, if it is a graph; an error where it ends to be a message.
pub(super) fn text(text: &str) -> Option<(Root, Result<Vec<u8>, usize>)> {
    let (root, rows) = [(Root::SavedModel, SAVED_MODEL), (Root::MetaGraph, META_GRAPH), (Root::Graph, GRAPH)]
        .into_iter()
        .find(|(_, rows)| spelt::begins_with(text, rows))?;
    let bytes = spelt::of_text(text, rows);
    // Other programs describe graphs of nodes, too; those of TensorFlow have operations.
    let is_graph =
        root != Root::Graph || bytes.as_ref().map_or(text.contains("op"), |bytes| has_operations(bytes));
    is_graph.then_some((root, bytes))
}

/// Whether a graph has functions, or a node with an operation.
fn has_operations(graph: &[u8]) -> bool {
    Fields::new(graph).flatten().any(|field| {
        let operation = |node: Fields<'_>| node.flatten().any(|field| field.number == 2);
        field.number == 2 || field.number == 1 && field.message().is_some_and(operation)
    })
}

/// The number of a type's name (`types.proto`).
fn data_type(name: &str) -> Option<i64> {
    const TYPES: [&str; 23] = [
        "FLOAT",
        "DOUBLE",
        "INT32",
        "UINT8",
        "INT16",
        "INT8",
        "STRING",
        "COMPLEX64",
        "INT64",
        "BOOL",
        "QINT8",
        "QUINT8",
        "QINT32",
        "BFLOAT16",
        "QINT16",
        "QUINT16",
        "UINT16",
        "COMPLEX128",
        "HALF",
        "RESOURCE",
        "VARIANT",
        "UINT32",
        "UINT64",
    ];
    /// References have numbers of their own.
    const REFERENCE: i64 = 100;
    let name = name.strip_prefix("DT_")?;
    let (name, more) = name.strip_suffix("_REF").map_or((name, 0), |name| (name, REFERENCE));
    let at = TYPES.iter().position(|known| *known == name)?;
    i64::try_from(at + 1).ok().map(|number| number + more)
}

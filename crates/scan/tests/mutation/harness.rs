//! What every scan of arbitrary bytes has to keep, for the fuzz targets (`fuzz/`) and for the ordinary tests alike.

use proofhouse_scan::{FileReport, Limits, scan_bytes};

/// Targets: a name, the name of the file that the bytes are, and the endings of files that serve as seeds.
pub const TARGETS: &[(&str, &str, &[&str])] = &[
    ("pickle", "model.pkl", &[".pkl"]),
    ("joblib", "model.joblib", &[".joblib"]),
    ("torch", "model.pt", &[".pt", ".pt2"]),
    ("zip", "model.zip", &[".zip", ".npz", ".keras", ".skops"]),
    ("tar", "model.tar", &[".tar"]),
    ("sevenzip", "model.7z", &[".7z"]),
    ("stream", "model.gz", &[".gz", ".bz2", ".xz", ".lzma", ".z"]),
    ("npy", "array.npy", &[".npy", ".npz"]),
    ("safetensors", "model.safetensors", &[".safetensors"]),
    ("gguf", "model.gguf", &[".gguf"]),
    ("ggml", "model.ggml", &[".ggml"]),
    ("arrow", "data.arrow", &[".arrow", ".feather"]),
    ("lmdb", "data.mdb", &[".mdb"]),
    ("native", "library.so", &[".so"]),
    ("ocdbt", "manifest.ocdbt", &[".ocdbt"]),
    ("crfsuite", "tags.crfsuite", &[".crfsuite"]),
    ("neighbours", "index.faiss", &[".faiss", ".hnswlib", ".ann"]),
    ("zarr", "model.zarr.zip", &[".zarr.zip"]),
    ("onnx", "model.onnx", &[".onnx"]),
    ("hdf5", "model.h5", &[".h5"]),
    ("keras", "model.keras", &[".keras"]),
    ("tensorflow", "saved_model.pb", &[".pb"]),
    ("checkpoint", "variables.index", &[".index"]),
    ("tflite", "model.tflite", &[".tflite"]),
    ("coreml", "model.mlmodel", &[]),
    ("paddle", "model.pdmodel", &[".pdmodel", ".pdiparams"]),
    ("executorch", "model.pte", &[]),
    ("rds", "model.rds", &[".rds", ".RData"]),
    ("msgpack", "model.msgpack", &[".msgpack"]),
    ("boosters", "model.ubj", &[".ubj", ".cbm", ".lightgbm.txt", ".xgboost.json"]),
    ("skops", "model.skops", &[".skops"]),
    ("xml", "model.pmml", &[".pmml", ".xml"]),
    ("json", "config.json", &[".json"]),
    ("yaml", "config.yaml", &[".yaml", ".yml"]),
    ("notebook", "notebook.ipynb", &[".ipynb"]),
    ("python", "modeling.py", &[".py"]),
    ("template", "chat_template.jinja", &[".jinja"]),
    ("shell", "install.sh", &[".sh"]),
    ("media", "figure.png", &[]),
    ("records", "events.out.tfevents.1", &[".tfrecord"]),
    ("avro", "rows.avro", &[".avro"]),
    ("matlab", "data.mat", &[".mat"]),
    ("raw", "yolo.weights", &[".weights"]),
    ("vectors", "model.bin", &[".ftz", ".w2v"]),
];

/// Scans `bytes` as the file of a target and holds the report against what every report keeps.
///
/// # Panics
/// There is no such target, or the report contradicts itself.
pub fn target(name: &str, bytes: &[u8]) {
    let (_, file, _) = TARGETS.iter().find(|(target, ..)| *target == name).expect("a target of the table");
    // A small budget, so that a fuzzer looks for bugs and not for long streams.
    let limits = Limits { decompressed_bytes: 4 << 20, ..Limits::default() };
    let path = file.parse().expect("names of the table are names of files");
    let report = scan_bytes(&path, bytes, &limits);
    keeps(bytes, &report);
    // The same bytes are the same report.
    let again = scan_bytes(&path, bytes, &limits);
    assert!(report == again, "two scans of one file differ");
}

fn keeps(bytes: &[u8], report: &FileReport) {
    assert_eq!(report.size, bytes.len() as u64);
    assert!(report.covered_bytes <= report.size, "more bytes are accounted for than there are");
    let rules = proofhouse_scan::rules();
    for finding in &report.findings {
        let rule = rules.iter().find(|rule| rule.id == finding.rule).expect("every finding has a rule");
        assert!(report.outcome >= rule.outcome, "{} does not count for the outcome", finding.rule);
        assert!(!finding.message.is_empty());
        let inside =
            finding.place.offset.is_none_or(|at| finding.place.member.is_some() || at <= report.size);
        assert!(inside, "{} stands behind the file", finding.rule);
    }
}

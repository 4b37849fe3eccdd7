//! `dataset`.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_artifact::{LoadedTree, TreeOptions};
use proofhouse_dataset::{
    DataFile, Limits, Manifest, Provenance, Role, Table, documents, read_json_lines, read_parquet,
};
use serde_json::json;

use crate::Exit;
use crate::args::{DatasetArgs, Format};
use crate::terminal;

pub fn run(args: &DatasetArgs) -> anyhow::Result<Exit> {
    let name = args.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let (files, table) = read(&args.path, &name)?;
    let provenance = Provenance { source: None, licence: None, retrieved: None };
    let labels: Vec<String> = args.label.iter().cloned().collect();
    let manifest = Manifest::describe(name, Role::Reference, provenance, files, &table, &labels)?;
    let digest = manifest.digest()?;
    if args.format == Format::Json {
        terminal::json(&json!({"digest": digest, "manifest": manifest}))?;
        return Ok(Exit::Clean);
    }
    terminal::line(format!("{} rows, {} columns", manifest.rows, manifest.columns.len()));
    terminal::line(format!("manifest   {digest}"));
    for file in &manifest.files {
        terminal::line(format!("file       {}  {}", file.sha256, file.path));
    }
    terminal::line(format!("records    {}", manifest.records_root));
    terminal::line(format!("features   {}", manifest.features_root));
    if let Some(root) = manifest.labels_root {
        terminal::line(format!("labels     {root}"));
        let histogram: Vec<String> =
            manifest.label_histogram.iter().map(|(l, n)| format!("{l}: {n}")).collect();
        terminal::line(format!("           {}", histogram.join(", ")));
    }
    Ok(Exit::Clean)
}

/// A folder is a collection of documents, a file that ends in `.jsonl` has a record a line, any other is a
/// Parquet table.
fn read(path: &Path, name: &str) -> anyhow::Result<(Vec<DataFile>, Table)> {
    if path.is_dir() {
        let tree = LoadedTree::load(path, &TreeOptions::default())?;
        let files = tree.iter().map(|(e, bytes)| DataFile::of(e.path.clone(), bytes)).collect();
        return Ok((files, documents(tree.iter().map(|(e, bytes)| (&e.path, &**bytes)))?));
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let files = vec![DataFile::of(name.parse()?, &bytes)];
    let shown = path.display().to_string();
    let table = if path.extension().is_some_and(|e| e == "jsonl") {
        read_json_lines(&shown, &bytes, &Limits::default())?.1
    } else {
        read_parquet(&shown, &bytes.into(), &Limits::default())?
    };
    Ok((files, table))
}

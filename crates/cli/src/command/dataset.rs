//! `dataset`.

use anyhow::Context as _;
use proofhouse_dataset::{DataFile, Limits, Manifest, Provenance, Role, read_parquet};
use serde_json::json;

use crate::Exit;
use crate::args::{DatasetArgs, Format};
use crate::terminal;

pub fn run(args: &DatasetArgs) -> anyhow::Result<Exit> {
    let bytes = std::fs::read(&args.path).with_context(|| format!("cannot read {}", args.path.display()))?;
    let name = args.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let file = DataFile::of(name.parse()?, &bytes);
    let table = read_parquet(&args.path.display().to_string(), &bytes.into(), &Limits::default())?;
    let provenance = Provenance { source: None, licence: None, retrieved: None };
    let labels: Vec<String> = args.label.iter().cloned().collect();
    let manifest = Manifest::describe(name, Role::Reference, provenance, vec![file], &table, &labels)?;
    let digest = manifest.digest()?;
    if args.format == Format::Json {
        terminal::json(&json!({"digest": digest, "manifest": manifest}))?;
        return Ok(Exit::Clean);
    }
    terminal::line(format!("{} rows, {} columns", manifest.rows, manifest.columns.len()));
    terminal::line(format!("manifest   {digest}"));
    for file in &manifest.files {
        terminal::line(format!("file       {}", file.sha256));
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

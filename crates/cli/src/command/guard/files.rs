//! Bytes to look at: files, folders, standard input. Bounded, whatever is there.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use proofhouse_dialogue::{Name, Origin};
use proofhouse_lifecycle::Progress as _;
use walkdir::WalkDir;

use crate::terminal::Bar;

/// Most bytes of one source that are looked at.
pub const SOURCE_BYTES: usize = 16 << 20;
/// Most files of one folder.
const FILES: usize = 200_000;

/// Something to look at.
#[derive(Debug)]
pub struct Source {
    name: String,
    bytes: Vec<u8>,
    /// Whether there was more than is looked at.
    cut: bool,
    is_file: bool,
}

impl Source {
    /// A text.
    pub fn text(name: &str, text: String) -> Self {
        Self::bytes_of(name, text.into_bytes())
    }

    /// Bytes without a file.
    pub fn bytes_of(name: &str, mut bytes: Vec<u8>) -> Self {
        let cut = bytes.len() > SOURCE_BYTES;
        bytes.truncate(SOURCE_BYTES);
        Self { name: name.to_owned(), bytes, cut, is_file: false }
    }

    /// The bytes of a file that came otherwise.
    pub fn file(name: &str, bytes: Vec<u8>) -> Self {
        Self { is_file: true, ..Self::bytes_of(name, bytes) }
    }

    fn read(name: &str, reader: impl std::io::Read, is_file: bool) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(SOURCE_BYTES).unwrap_or(u64::MAX);
        reader.take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
        Ok(Self { is_file, ..Self::bytes_of(name, bytes) })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the name says it is, where the bytes do not.
    pub fn media_type(&self) -> &'static str {
        let ending = self.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "md" | "markdown" => "text/markdown",
            "html" | "htm" | "xhtml" => "text/html",
            "eml" => "message/rfc822",
            _ => "",
        }
    }

    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Where it comes from, unless somebody says otherwise.
    pub fn origin(&self) -> Origin {
        if !self.is_file {
            return super::default_origin();
        }
        let plain = |c: char| if c.is_whitespace() || c.is_control() { '_' } else { c };
        let base = self.name.rsplit('/').next().unwrap_or(&self.name);
        let name: String = base.chars().map(plain).take(Name::MAX).collect();
        Name::new(name).map_or(super::default_origin(), Origin::File)
    }
}

/// Hands over every file below `path`, in the order of names. Links are not followed: what they lead to is
/// looked at under its own name if it lies here too, and endless loops do not arise.
pub fn walk(path: &Path, bar: &Bar, take: &mut dyn FnMut(anyhow::Result<Source>)) {
    if path == Path::new("-") {
        take(Source::read("standard input", std::io::stdin().lock(), false));
        return;
    }
    if !path.is_dir() {
        take(open(path));
        return;
    }
    bar.step(&path.display().to_string());
    let entries: Vec<_> =
        WalkDir::new(path).follow_links(false).sort_by_file_name().into_iter().take(FILES + 1).collect();
    let total = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    for (done, entry) in (0_u64..).zip(entries) {
        bar.advance(done, total);
        match entry {
            Ok(entry) if entry.file_type().is_file() => take(open(entry.path())),
            Ok(entry) if entry.file_type().is_dir() => {}
            // A link or a device is no text; what it names may be looked at by itself.
            Ok(_) => {}
            Err(error) => take(Err(error.into())),
        }
    }
    if total > u64::try_from(FILES).unwrap_or(u64::MAX) {
        take(Err(anyhow::anyhow!(
            "{} has more than {FILES} entries; the rest was not looked at",
            path.display()
        )));
    }
}

fn open(path: &Path) -> anyhow::Result<Source> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    Source::read(&name, file, true)
}

/// A file of settings or one request.
pub fn read_small(path: &Path) -> anyhow::Result<Vec<u8>> {
    let source = if path == Path::new("-") {
        Source::read("standard input", std::io::stdin().lock(), false)?
    } else {
        open(path)?
    };
    if source.cut {
        anyhow::bail!("{} has more than {SOURCE_BYTES} bytes", path.display());
    }
    Ok(source.bytes)
}

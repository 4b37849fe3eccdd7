//! Documents as retrieval sees them: what people see of a file, what is hidden in it, and what a careless
//! index takes up.

use proofhouse_core::FilePath;
use proofhouse_guard::extract::{How, extract};

use crate::data::{Document, LoadedDataset};

/// A document, read.
pub struct Page {
    /// Its file.
    pub name: FilePath,
    /// What people see.
    pub visible: String,
    /// What they do not. Titles and scripts are what every page has, and are left out.
    pub hidden: Vec<Hidden>,
}

/// A text that is in a document and that nobody who looks at it sees.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hidden {
    /// The text.
    pub text: String,
    /// How it is hidden.
    pub how: String,
    /// Where.
    pub place: String,
}

impl Page {
    /// All text of the file, as an index takes it up that does not look at how it is shown.
    #[must_use]
    pub fn careless(&self) -> String {
        std::iter::once(self.visible.as_str())
            .chain(self.hidden.iter().map(|h| h.text.as_str()))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The documents of a dataset.
#[must_use]
pub fn pages(dataset: &LoadedDataset) -> Vec<Page> {
    dataset.documents().iter().map(read).collect()
}

fn read(document: &Document) -> Page {
    let extracted = extract(&document.bytes, media_type(document.name.as_str()));
    let told = extracted.hidden.into_iter().filter(|h| !matches!(h.how, How::Metadata | How::Program));
    Page {
        name: document.name.clone(),
        visible: extracted.visible,
        hidden: told.map(|h| Hidden { text: h.text, how: h.how.to_string(), place: h.place }).collect(),
    }
}

/// The media type by the ending of a name; nothing where it says nothing.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html",
        "md" => "text/markdown",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "pdf" => "application/pdf",
        "eml" => "message/rfc822",
        "txt" => "text/plain",
        _ => "",
    }
}

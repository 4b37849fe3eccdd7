//! A Hugging Face hub: its API lists a revision, with the digests of large files (the Hub's OpenAPI description).

use std::sync::Arc;

use proofhouse_core::Digest;
use serde::Deserialize;

use crate::http::Http;
use crate::{Answer, Remote, Source, SourceError};

/// A revision of a repository.
pub(crate) struct Hub {
    http: Arc<Http>,
    hub: String,
    repository: String,
    revision: String,
    token: Option<String>,
}

#[derive(Deserialize)]
struct Listing {
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Hub {
    pub(crate) fn new(
        http: Arc<Http>,
        hub: &str,
        repository: &str,
        revision: &str,
        token: Option<String>,
    ) -> Self {
        Self {
            http,
            hub: hub.trim_end_matches('/').to_owned(),
            repository: repository.to_owned(),
            revision: revision.to_owned(),
            token,
        }
    }

    fn credentials(&self) -> Vec<(String, String)> {
        self.token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).collect()
    }
}

impl Source for Hub {
    fn name(&self) -> String {
        format!("hf://{}@{}", self.repository, self.revision)
    }

    fn list(&self) -> Answer<'_, Vec<Remote>> {
        Box::pin(async move {
            let revision = escape(&self.revision);
            let url = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.hub, self.repository);
            let (_, body) = self.http.read(&url, &self.credentials()).await?;
            let answer = |why: String| SourceError::Answer { url: url.clone(), why };
            let listing: Listing = serde_json::from_slice(&body).map_err(|e| answer(e.to_string()))?;
            // Files are fetched by the commit, so that all are of one revision.
            let commit =
                listing.sha.filter(|sha| sha.bytes().all(|b| b.is_ascii_hexdigit())).unwrap_or(revision);
            let remote = |sibling: Sibling| {
                let path = sibling
                    .rfilename
                    .parse()
                    .map_err(|e: proofhouse_core::FilePathError| answer(e.to_string()))?;
                let inner: Vec<String> = sibling.rfilename.split('/').map(escape).collect();
                let lfs = sibling.lfs.as_ref();
                Ok(Remote {
                    path,
                    url: format!("{}/{}/resolve/{commit}/{}", self.hub, self.repository, inner.join("/")),
                    size: sibling.size.or(lfs.and_then(|l| l.size)),
                    sha256: lfs.and_then(|l| l.sha256.as_deref()).and_then(|hex| Digest::from_hex(hex).ok()),
                })
            };
            listing.siblings.into_iter().map(remote).collect()
        })
    }

    fn headers(&self, _: &Remote) -> Result<Vec<(String, String)>, SourceError> {
        Ok(self.credentials())
    }
}

/// A part of a path as it stands in an address (RFC 3986).
pub(crate) fn escape(part: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    part.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

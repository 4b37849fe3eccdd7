//! Versions of registered models of MLflow (its REST API 2.0): the server says where a version's artifacts are, and
//! serves those that it keeps itself (`mlflow-artifacts:`); those of an object store are fetched there.

use std::sync::Arc;

use serde::Deserialize;

use crate::address::bucket;
use crate::hf::escape;
use crate::http::Http;
use crate::{Answer, Remote, Settings, Source, SourceError};

/// Most folders that are listed.
const MAX_FOLDERS: usize = 10_000;

/// A version of a registered model.
pub(crate) struct Registry {
    http: Arc<Http>,
    server: String,
    model: String,
    version: String,
    settings: Settings,
}

#[derive(Deserialize)]
struct Location {
    artifact_uri: String,
}

#[derive(Deserialize, Default)]
struct Listing {
    #[serde(default)]
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    #[serde(default)]
    is_dir: bool,
    file_size: Option<u64>,
}

impl Registry {
    pub(crate) fn new(http: Arc<Http>, server: &str, model: &str, version: &str, settings: Settings) -> Self {
        let server = server.trim_end_matches('/').to_owned();
        Self { http, server, model: model.to_owned(), version: version.to_owned(), settings }
    }

    fn credentials(&self) -> Vec<(String, String)> {
        let token = self.settings.mlflow_token.iter();
        token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).collect()
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: &str) -> Result<T, SourceError> {
        let (_, body) = self.http.read(url, &self.credentials()).await?;
        serde_json::from_slice(&body)
            .map_err(|e| SourceError::Answer { url: url.to_owned(), why: e.to_string() })
    }

    /// Files that the server keeps under `root`.
    async fn kept(&self, root: &str) -> Result<Vec<Remote>, SourceError> {
        let api = format!("{}/api/2.0/mlflow-artifacts/artifacts", self.server);
        let mut out = Vec::new();
        let mut folders = vec![String::new()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            seen += 1;
            if seen > MAX_FOLDERS {
                return Err(SourceError::TooMuch { what: "folders", limit: MAX_FOLDERS as u64 });
            }
            let full = join(root, &folder);
            let url = format!("{api}?path={}", escape(&full));
            let listing: Listing = self.get(&url).await?;
            for entry in listing.files {
                // Names are relative to the folder that was listed.
                let inner = join(&folder, entry.path.rsplit('/').next().unwrap_or(&entry.path));
                if entry.is_dir {
                    folders.push(inner);
                    continue;
                }
                let path = inner.parse().map_err(|e: proofhouse_core::FilePathError| {
                    SourceError::Answer { url: url.clone(), why: e.to_string() }
                })?;
                let parts: Vec<String> = join(root, &inner).split('/').map(escape).collect();
                let url = format!("{api}/{}", parts.join("/"));
                out.push(Remote { path, url, size: entry.file_size, sha256: None });
            }
        }
        Ok(out)
    }
}

fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

impl Source for Registry {
    fn name(&self) -> String {
        format!("mlflow:models/{}/{}", self.model, self.version)
    }

    fn list(&self) -> Answer<'_, Vec<Remote>> {
        Box::pin(async move {
            let url = format!(
                "{}/api/2.0/mlflow/model-versions/get-download-uri?name={}&version={}",
                self.server,
                escape(&self.model),
                escape(&self.version)
            );
            let Location { artifact_uri } = self.get(&url).await?;
            if let Some(rest) = artifact_uri.strip_prefix("s3://") {
                let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                return bucket(&self.http, &self.settings, name, &format!("{prefix}/")).list().await;
            }
            let root = artifact_uri.strip_prefix("mlflow-artifacts:").ok_or_else(|| SourceError::Answer {
                url,
                why: format!("the artifacts are at {artifact_uri:?}, which is not reached from here"),
            })?;
            // `mlflow-artifacts://host/…` names a server; only this one is asked.
            let root = root
                .strip_prefix("//")
                .map_or(root, |rest| rest.split_once('/').map_or("", |(_, path)| path));
            self.kept(root.trim_matches('/')).await
        })
    }

    fn headers(&self, file: &Remote) -> Result<Vec<(String, String)>, SourceError> {
        if file.url.starts_with(&self.server) {
            return Ok(self.credentials());
        }
        // An object of a store, signed for it.
        bucket(&self.http, &self.settings, "", "").headers(file)
    }
}

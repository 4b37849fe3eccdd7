//! Artifacts of an OCI registry (OCI Distribution Specification 1.1): a manifest names blobs by digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::header::WWW_AUTHENTICATE;
use proofhouse_core::Digest;
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use crate::http::Http;
use crate::{Answer, Remote, Source, SourceError};

const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                      application/vnd.docker.distribution.manifest.v2+json";
const TITLE: &str = "org.opencontainers.image.title";

/// An artifact by its tag or digest.
pub(crate) struct Artifact {
    http: Arc<Http>,
    registry: String,
    repository: String,
    reference: String,
    token: OnceCell<Option<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    layers: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Artifact {
    pub(crate) fn new(http: Arc<Http>, registry: &str, repository: &str, reference: &str) -> Self {
        Self {
            http,
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            reference: reference.to_owned(),
            token: OnceCell::new(),
        }
    }

    fn headers_with(&self, token: Option<&str>) -> Vec<(String, String)> {
        let mut headers = vec![("accept".to_owned(), ACCEPT.to_owned())];
        headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        headers
    }

    /// A token for anonymous pulls, where the registry wants one (Distribution "Token Authentication").
    async fn token(&self) -> Result<Option<String>, SourceError> {
        let asked = self.token.get_or_try_init(|| async {
            let url = format!("{}/v2/{}/manifests/{}", self.registry, self.repository, self.reference);
            let Some(challenge) = self.http.challenge(&url, &self.headers_with(None)).await? else {
                return Ok(None);
            };
            let answer = |why: &str| SourceError::Answer { url: url.clone(), why: why.to_owned() };
            let field = |name: &str| {
                let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
                rest.split_once('"').map(|(value, _)| value.to_owned())
            };
            let realm = field("realm")
                .ok_or_else(|| answer("the registry asks for a kind of login that is not spoken here"))?;
            let mut realm = Url::parse(&realm).map_err(|e| answer(&e.to_string()))?;
            // The realm gets no secret, but it must not be a way around the rules for redirects.
            let near =
                |text: &str| text.parse::<hyper::Uri>().is_ok_and(|uri| proofhouse_endpoint::is_near(&uri));
            if realm.scheme() != "https" && !(near(realm.as_str()) && near(&self.registry)) {
                return Err(answer("the registry sends to an unencrypted place for its token"));
            }
            if let Some(service) = field("service") {
                realm.query_pairs_mut().append_pair("service", &service);
            }
            realm.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", self.repository));
            let (_, body) = self.http.read(realm.as_str(), &[]).await?;
            let body: serde_json::Value =
                serde_json::from_slice(&body).map_err(|e| answer(&e.to_string()))?;
            let token = body.get("token").or_else(|| body.get("access_token")).and_then(|t| t.as_str());
            Ok(token.map(str::to_owned))
        });
        asked.await.cloned()
    }

    async fn manifest(&self, reference: &str) -> Result<Manifest, SourceError> {
        let token = self.token().await?;
        let url = format!("{}/v2/{}/manifests/{reference}", self.registry, self.repository);
        let (_, body) = self.http.read(&url, &self.headers_with(token.as_deref())).await?;
        if let Some(promised) = reference.strip_prefix("sha256:") {
            let found = Digest::of(&body).to_hex();
            if found != promised {
                let why = format!("its SHA-256 is {found}");
                return Err(SourceError::Mismatch { path: format!("the manifest {reference}"), why });
            }
        }
        serde_json::from_slice(&body).map_err(|e| SourceError::Answer { url, why: e.to_string() })
    }
}

impl Source for Artifact {
    fn name(&self) -> String {
        format!("oci://{}/{}:{}", self.registry, self.repository, self.reference)
    }

    fn list(&self) -> Answer<'_, Vec<Remote>> {
        Box::pin(async move {
            let first = self.manifest(&self.reference).await?;
            let mut manifests = Vec::new();
            for inner in first.manifests.iter().take(32) {
                manifests.push(self.manifest(&inner.digest).await?);
            }
            manifests.push(first);
            let mut out: Vec<Remote> = Vec::new();
            for layer in manifests.into_iter().flat_map(|m| m.layers.into_iter().chain(m.config)) {
                let answer = |why: String| SourceError::Answer { url: self.name(), why };
                let hex = layer.digest.strip_prefix("sha256:").unwrap_or_default();
                let wrong = |_| answer(format!("{:?} is no SHA-256 digest", layer.digest));
                let sha256 = Digest::from_hex(hex).map_err(wrong)?;
                let title = layer
                    .annotations
                    .get(TITLE)
                    .filter(|title| title.parse::<proofhouse_core::FilePath>().is_ok());
                let path = title.cloned().unwrap_or_else(|| format!("blobs/sha256/{hex}"));
                let path: proofhouse_core::FilePath =
                    path.parse().map_err(|e: proofhouse_core::FilePathError| answer(e.to_string()))?;
                if out.iter().any(|other| other.path == path) {
                    continue;
                }
                let url = format!("{}/v2/{}/blobs/{}", self.registry, self.repository, layer.digest);
                out.push(Remote { path, url, size: Some(layer.size), sha256: Some(sha256) });
            }
            Ok(out)
        })
    }

    fn headers(&self, _: &Remote) -> Result<Vec<(String, String)>, SourceError> {
        let token = self.token.get().and_then(Option::as_deref);
        Ok(self.headers_with(token).into_iter().filter(|(name, _)| name != "accept").collect())
    }
}

impl Http {
    /// What a server wants to see before it answers, if it wants anything.
    pub(crate) async fn challenge(
        &self,
        url: &str,
        headers: &[(String, String)],
    ) -> Result<Option<String>, SourceError> {
        let response = self.once(url, headers).await?;
        let wanted = response.headers().get(WWW_AUTHENTICATE).and_then(|w| w.to_str().ok());
        Ok(wanted.filter(|_| response.status().as_u16() == 401).map(str::to_owned))
    }
}

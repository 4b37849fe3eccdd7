//! Addresses of models, and the settings by which they are reached.

use std::sync::Arc;

use crate::hf::Hub;
use crate::http::Http;
use crate::mlflow::Registry;
use crate::oci::Artifact;
use crate::s3::{Bucket, Keys};
use crate::{Source, SourceError};

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// `hf://owner/name[@revision]`: a model on a Hugging Face hub.
    Hub {
        /// `owner/name`.
        repository: String,
        /// Branch, tag or commit.
        revision: String,
    },
    /// `s3://bucket/prefix`: objects under a prefix.
    Bucket {
        /// Bucket.
        bucket: String,
        /// Prefix, possibly empty.
        prefix: String,
    },
    /// `oci://registry/repository:tag` or `@sha256:…`.
    Oci {
        /// Host and port.
        registry: String,
        /// Name of the repository.
        repository: String,
        /// Tag or digest.
        reference: String,
    },
    /// `mlflow:models/name/version`.
    Mlflow {
        /// Registered model.
        model: String,
        /// Its version.
        version: String,
    },
}

/// How sources are reached. Credentials are held here only.
#[derive(Clone, Default)]
pub struct Settings {
    /// The hub, `https://huggingface.co` where there is none.
    pub hub: Option<String>,
    /// Token of the hub.
    pub hub_token: Option<String>,
    /// Endpoint of the object store; that of AWS where there is none.
    pub s3_endpoint: Option<String>,
    /// Region of the object store.
    pub s3_region: Option<String>,
    /// Key id and secret, and the token of a session.
    pub s3_keys: Option<(String, String, Option<String>)>,
    /// The MLflow tracking server.
    pub mlflow: Option<String>,
    /// Token of the MLflow tracking server.
    pub mlflow_token: Option<String>,
}

impl Settings {
    /// What the environment says, by the names that the clients of these services use.
    #[must_use]
    pub fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let keys = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        Self {
            hub: variable("HF_ENDPOINT"),
            hub_token: variable("HF_TOKEN"),
            s3_endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
            s3_region: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")),
            s3_keys: keys.map(|(id, secret)| (id, secret, variable("AWS_SESSION_TOKEN"))),
            mlflow: variable("MLFLOW_TRACKING_URI"),
            mlflow_token: variable("MLFLOW_TRACKING_TOKEN"),
        }
    }
}

impl Address {
    /// Whether `text` looks like an address rather than a path.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        ["hf://", "s3://", "oci://", "mlflow:"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads an address.
    ///
    /// # Errors
    /// It is none; the error says what one looks like.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let refuse = |why| SourceError::Address { address: text.to_owned(), why };
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if let Some(rest) = text.strip_prefix("hf://") {
            let rest = rest.strip_prefix("models/").unwrap_or(rest);
            let (repository, revision) = rest.split_once('@').unwrap_or((rest, "main"));
            let parts: Vec<&str> = repository.split('/').collect();
            if !(1..=2).contains(&parts.len())
                || !parts.iter().all(|p| plain(p))
                || !revision.split('/').all(plain)
            {
                return Err(refuse("write hf://owner/name or hf://owner/name@revision"));
            }
            return Ok(Self::Hub { repository: repository.to_owned(), revision: revision.to_owned() });
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if !plain(bucket) {
                return Err(refuse("write s3://bucket/prefix"));
            }
            return Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            let wrong =
                || refuse("write oci://registry/repository:tag or oci://registry/repository@sha256:…");
            let (registry, name) = rest.split_once('/').ok_or_else(wrong)?;
            let (repository, reference) = match name.split_once('@') {
                Some(both) => both,
                None => name.rsplit_once(':').unwrap_or((name, "latest")),
            };
            let host = registry.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
            if registry.is_empty() || !host || !repository.split('/').all(plain) {
                return Err(wrong());
            }
            if !reference.strip_prefix("sha256:").map_or(plain(reference), |d| d.len() == 64 && plain(d)) {
                return Err(wrong());
            }
            return Ok(Self::Oci {
                registry: registry.to_owned(),
                repository: repository.to_owned(),
                reference: reference.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("mlflow:") {
            let rest =
                rest.trim_start_matches('/').trim_start_matches("models").trim_start_matches([':', '/']);
            let (model, version) =
                rest.rsplit_once('/').ok_or_else(|| refuse("write mlflow:models/name/version"))?;
            if model.is_empty() || version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
                return Err(refuse("write mlflow:models/name/version with the number of a version"));
            }
            return Ok(Self::Mlflow { model: model.to_owned(), version: version.to_owned() });
        }
        Err(refuse("it begins with none of hf://, s3://, oci://, mlflow:"))
    }

    /// The source at this address.
    ///
    /// # Errors
    /// A setting is missing.
    pub fn open(&self, http: &Arc<Http>, settings: &Settings) -> Result<Box<dyn Source>, SourceError> {
        Ok(match self {
            Self::Hub { repository, revision } => {
                let hub = settings.hub.as_deref().unwrap_or("https://huggingface.co");
                let token = settings.hub_token.clone();
                Box::new(Hub::new(http.clone(), hub, repository, revision, token))
            }
            Self::Bucket { bucket, prefix } => Box::new(self::bucket(http, settings, bucket, prefix)),
            Self::Oci { registry, repository, reference } => {
                // Registries of this machine speak plain HTTP by custom; nobody else hears it.
                let near = format!("http://{registry}/")
                    .parse::<hyper::Uri>()
                    .is_ok_and(|uri| proofhouse_endpoint::is_near(&uri));
                let scheme = if near { "http" } else { "https" };
                Box::new(Artifact::new(
                    http.clone(),
                    &format!("{scheme}://{registry}"),
                    repository,
                    reference,
                ))
            }
            Self::Mlflow { model, version } => {
                let server = settings.mlflow.as_deref().ok_or_else(|| {
                    SourceError::Setting(
                        "set MLFLOW_TRACKING_URI to the address of the tracking server".to_owned(),
                    )
                })?;
                Box::new(Registry::new(http.clone(), server, model, version, settings.clone()))
            }
        })
    }
}

/// The bucket of that name.
pub(crate) fn bucket(http: &Arc<Http>, settings: &Settings, bucket: &str, prefix: &str) -> Bucket {
    let region = settings.s3_region.clone().unwrap_or_else(|| "us-east-1".to_owned());
    let endpoint = match &settings.s3_endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://s3.{region}.amazonaws.com"),
    };
    let keys = settings.s3_keys.clone().map(|(id, secret, session)| Keys { id, secret, session, region });
    Bucket::new(http.clone(), &endpoint, bucket, prefix, keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_a_hint() {
        assert_eq!(
            Address::parse("hf://a/b@v1").unwrap(),
            Address::Hub { repository: "a/b".into(), revision: "v1".into() }
        );
        assert_eq!(
            Address::parse("s3://models/x/y").unwrap(),
            Address::Bucket { bucket: "models".into(), prefix: "x/y".into() }
        );
        assert_eq!(
            Address::parse("oci://localhost:5000/a/b:v2").unwrap(),
            Address::Oci {
                registry: "localhost:5000".into(),
                repository: "a/b".into(),
                reference: "v2".into()
            }
        );
        assert_eq!(
            Address::parse("mlflow:models/fraud/3").unwrap(),
            Address::Mlflow { model: "fraud".into(), version: "3".into() }
        );
        for bad in [
            "hf://",
            "hf://a/b/c",
            "hf://../b",
            "hf://a/b@../x",
            "s3://",
            "oci://host",
            "oci://host/a@sha256:12",
            "oci://h\u{2f}\u{40}/a",
            "mlflow:models/x",
            "mlflow:models/x/latest",
            "ftp://x",
        ] {
            assert!(matches!(Address::parse(bad), Err(SourceError::Address { .. })), "{bad}");
        }
    }
}

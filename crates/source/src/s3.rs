//! Objects of a bucket (Amazon S3 API: `ListObjectsV2`, `GetObject`; Signature Version 4), addressed by path, as MinIO,
//! Ceph and AWS all understand. Without keys requests are not signed: public buckets are read so.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use quick_xml::Reader;
use quick_xml::events::Event;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::hf::escape;
use crate::http::Http;
use crate::{Answer, Remote, Source, SourceError};

/// Most pages of a listing, a thousand objects each.
const MAX_PAGES: usize = 1000;

/// Keys of an account.
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) session: Option<String>,
    pub(crate) region: String,
}

/// Objects under a prefix.
pub(crate) struct Bucket {
    http: Arc<Http>,
    endpoint: String,
    bucket: String,
    prefix: String,
    keys: Option<Keys>,
}

impl Bucket {
    pub(crate) fn new(
        http: Arc<Http>,
        endpoint: &str,
        bucket: &str,
        prefix: &str,
        keys: Option<Keys>,
    ) -> Self {
        Self {
            http,
            endpoint: endpoint.to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            keys,
        }
    }

    fn signed(&self, url: &str) -> Result<Vec<(String, String)>, SourceError> {
        let Some(keys) = &self.keys else { return Ok(Vec::new()) };
        let url =
            Url::parse(url).map_err(|e| SourceError::Setting(format!("the endpoint of the store: {e}")))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Ok(sign(&url, keys, &stamp(now)))
    }
}

impl Source for Bucket {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    fn list(&self) -> Answer<'_, Vec<Remote>> {
        Box::pin(async move {
            let mut out = Vec::new();
            let mut token: Option<String> = None;
            let folder = match self.prefix.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => String::new(),
            };
            for _ in 0..MAX_PAGES {
                let mut query = String::new();
                // In the order of their names, as the signature wants them.
                if let Some(token) = &token {
                    query.push_str(&format!("continuation-token={}&", escape(token)));
                }
                query.push_str(&format!("list-type=2&prefix={}", escape(&self.prefix)));
                let url = format!("{}/{}?{query}", self.endpoint, self.bucket);
                let (_, body) = self.http.read(&url, &self.signed(&url)?).await?;
                let page = page(&body).map_err(|why| SourceError::Answer { url: url.clone(), why })?;
                for (key, size) in page.objects {
                    let name = key.strip_prefix(&folder).unwrap_or(&key);
                    // Consoles make empty objects for folders.
                    if name.is_empty() || key.ends_with('/') {
                        continue;
                    }
                    let path = name.parse().map_err(|e: proofhouse_core::FilePathError| {
                        SourceError::Answer { url: url.clone(), why: e.to_string() }
                    })?;
                    let parts: Vec<String> = key.split('/').map(escape).collect();
                    let url = format!("{}/{}/{}", self.endpoint, self.bucket, parts.join("/"));
                    out.push(Remote { path, url, size: Some(size), sha256: None });
                }
                match page.next {
                    Some(next) => token = Some(next),
                    None => return Ok(out),
                }
            }
            Err(SourceError::TooMuch { what: "pages of objects", limit: MAX_PAGES as u64 })
        })
    }

    fn headers(&self, file: &Remote) -> Result<Vec<(String, String)>, SourceError> {
        self.signed(&file.url)
    }
}

#[derive(Default)]
struct Page {
    objects: Vec<(String, u64)>,
    next: Option<String>,
}

/// One page of a listing. Entities other than those of XML itself are refused by the reader.
fn page(xml: &[u8]) -> Result<Page, String> {
    let text = std::str::from_utf8(xml).map_err(|e| e.to_string())?;
    let mut reader = Reader::from_str(text);
    let mut page = Page::default();
    let mut path: Vec<String> = Vec::new();
    let (mut key, mut size, mut text) = (String::new(), 0, String::new());
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                if path.len() > 16 {
                    return Err("the listing is nested too deep".to_owned());
                }
                path.push(start.local_name().as_ref().to_string());
                text.clear();
            }
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => {
                let name = name.to_string();
                // The five of XML itself and characters by their number; what a document declares is unknown.
                let plain = quick_xml::escape::unescape(&format!("&{name};")).map(|t| t.into_owned());
                text.push_str(&plain.map_err(|_| format!("the listing has the unknown entity {name:?}"))?);
            }
            Event::End(_) => {
                let inside = path.iter().rev().nth(1).map(String::as_str);
                match (inside, path.last().map(String::as_str)) {
                    (Some("Contents"), Some("Key")) => key = std::mem::take(&mut text),
                    (Some("Contents"), Some("Size")) => {
                        size = text.trim().parse().map_err(|_| "a size is no number")?
                    }
                    (_, Some("Contents")) => page.objects.push((std::mem::take(&mut key), size)),
                    (_, Some("NextContinuationToken")) => page.next = Some(std::mem::take(&mut text)),
                    _ => {}
                }
                path.pop();
                text.clear();
            }
            Event::Eof => return Ok(page),
            _ => {}
        }
    }
}

/// Seconds since 1970 as `YYYYMMDDTHHMMSSZ` (days to dates after Howard Hinnant's algorithm).
fn stamp(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let rest = seconds % 86_400;
    format!("{year:04}{month:02}{date:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Signature Version 4 of a GET without a body.
fn sign(url: &Url, keys: &Keys, stamp: &str) -> Vec<(String, String)> {
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let mut headers = vec![
        ("host".to_owned(), host),
        ("x-amz-content-sha256".to_owned(), EMPTY.to_owned()),
        ("x-amz-date".to_owned(), stamp.to_owned()),
    ];
    if let Some(session) = &keys.session {
        headers.push(("x-amz-security-token".to_owned(), session.clone()));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical =
        format!("GET\n{}\n{}\n{lines}\n{names}\n{EMPTY}", url.path(), url.query().unwrap_or_default());
    let day = stamp.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/s3/aws4_request", keys.region);
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())[..]));
    let steps = [day, &keys.region, "s3", "aws4_request", &to_sign];
    let key = steps
        .iter()
        .fold(format!("AWS4{}", keys.secret).into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        keys.id,
        hex(&key)
    );
    headers.remove(0);
    headers.push(("authorization".to_owned(), authorization));
    headers
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_with_their_escapes() {
        let xml = br#"<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Contents><Key>m/a&amp;b.pt</Key><Size>3</Size></Contents><NextContinuationToken>t=</NextContinuationToken></ListBucketResult>"#;
        let page = page(xml).unwrap();
        assert_eq!(page.objects, [("m/a&b.pt".to_owned(), 3)]);
        assert_eq!(page.next.as_deref(), Some("t="));
        assert!(
            super::page(b"<!DOCTYPE a [<!ENTITY e 'x'>]><a><Contents><Key>&e;</Key></Contents></a>").is_err()
        );
        assert!(super::page(&b"<a>".repeat(1000)).is_err());
    }

    #[test]
    fn time_and_signature_are_as_published() {
        assert_eq!(stamp(1_369_353_600), "20130524T000000Z");
        assert_eq!(stamp(951_782_399), "20000228T235959Z");
        // "Signature Calculations for the Authorization Header", listing of a bucket: the same keys and time, with the
        // headers that are signed here; the example signs these three.
        let keys = Keys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session: None,
            region: "us-east-1".to_owned(),
        };
        let url = Url::parse("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J").unwrap();
        let headers = sign(&url, &keys, "20130524T000000Z");
        let authorization = &headers.last().unwrap().1;
        assert!(
            authorization.ends_with("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
            "{authorization}"
        );
    }
}

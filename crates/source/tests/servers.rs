//! Sources against servers of this machine: listings, digests, ranges, redirects, bounds.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail the test by panicking")]

use std::collections::BTreeMap;
use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use proofhouse_core::Digest;
use proofhouse_endpoint::Authorities;
use proofhouse_source::{Address, Fetched, Http, Limits, Reach, Settings, SourceError, fetch};
use serde_json::json;

const WEIGHTS: &[u8] = b"the weights of a model, which are long enough to be cut in two";

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn bring(
    address: &str,
    settings: &Settings,
    limits: &Limits,
    reach: Reach,
) -> Result<(Fetched, tempfile::TempDir), SourceError> {
    let http = Arc::new(Http::new(&Authorities::Nobody, reach)?);
    let source = Address::parse(address)?.open(&http, settings)?;
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&http, source.as_ref(), folder.path(), limits).await?;
    Ok((fetched, folder))
}

fn hub(base: &str) -> Settings {
    Settings { hub: Some(base.to_owned()), hub_token: Some("hf_token".to_owned()), ..Settings::default() }
}

/// Serves half of the file at first and the rest by range.
async fn broken(State(asked): State<Arc<AtomicUsize>>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let turn = asked.fetch_add(1, Ordering::SeqCst);
    match headers.get(header::RANGE).and_then(|r| r.to_str().ok()) {
        None => {
            // A length that is not kept: the connection breaks in the middle.
            let half = WEIGHTS[..30].to_vec();
            let stream = Body::new(Cut {
                half: Some(half.into()),
                pause: Box::pin(tokio::time::sleep(Duration::from_millis(50))),
            });
            Response::builder().header(header::CONTENT_LENGTH, WEIGHTS.len()).body(stream).unwrap()
        }
        Some(range) if turn < 3 => {
            let from: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
            let range = format!("bytes {from}-{}/{}", WEIGHTS.len() - 1, WEIGHTS.len());
            (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, range)], WEIGHTS[from..].to_vec())
                .into_response()
        }
        Some(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A body that fails when its first part has been sent.
struct Cut {
    half: Option<bytes::Bytes>,
    pause: std::pin::Pin<Box<tokio::time::Sleep>>,
}

impl hyper::body::Body for Cut {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, std::io::Error>>> {
        if let Some(half) = self.half.take() {
            return std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(half))));
        }
        self.pause.as_mut().poll(context).map(|()| Some(Err(std::io::Error::other("cut"))))
    }
}

#[tokio::test]
async fn a_hub_is_listed_and_a_broken_file_continued() {
    let listing = json!({ "sha": "abc123", "siblings": [
        { "rfilename": "config.json", "size": 2 },
        { "rfilename": "deep/model.safetensors", "size": WEIGHTS.len(), "lfs": { "sha256": Digest::of(WEIGHTS).to_hex(), "size": WEIGHTS.len() } },
    ]});
    let base = serve(
        Router::new()
            .route("/api/models/a/b/revision/main", get(move || async move { Json(listing) }))
            .route("/a/b/resolve/abc123/config.json", get(|| async { "{}" }))
            .route("/a/b/resolve/abc123/deep/model.safetensors", get(broken))
            .with_state(Arc::default()),
    )
    .await;
    let (fetched, folder) = bring("hf://a/b", &hub(&base), &Limits::default(), Reach::Public).await.unwrap();
    assert_eq!(fetched.files.len(), 2);
    assert_eq!(std::fs::read(folder.path().join("deep/model.safetensors")).unwrap(), WEIGHTS);
    assert_eq!(fetched.files[1].2, Digest::of(WEIGHTS));
    let few = Limits { bytes: 10, ..Limits::default() };
    let error = bring("hf://a/b", &hub(&base), &few, Reach::Public).await.unwrap_err();
    assert!(matches!(error, SourceError::TooMuch { what: "bytes", .. }), "{error}");
}

/// A hub of one file that answers with `answer`.
async fn one_file(listing: serde_json::Value, answer: fn(HeaderMap) -> Response) -> String {
    serve(
        Router::new()
            .route("/api/models/a/b/revision/main", get(move || async move { Json(listing) }))
            .route("/a/b/resolve/c/w", get(move |headers: HeaderMap| async move { answer(headers) })),
    )
    .await
}

fn listing(sha256: Option<&str>, size: Option<u64>, name: &str) -> serde_json::Value {
    json!({ "sha": "c", "siblings": [{ "rfilename": name, "size": size, "lfs": sha256.map(|s| json!({ "sha256": s })) }] })
}

#[tokio::test]
async fn bytes_that_were_not_promised_are_refused() {
    let plain: fn(HeaderMap) -> Response = |_| WEIGHTS.into_response();
    let right = Digest::of(WEIGHTS).to_hex();
    let wrong = Digest::of(b"other").to_hex();
    let all = WEIGHTS.len() as u64;
    for (listed, good) in [
        (listing(Some(&right), Some(all), "w"), true),
        (listing(Some(&wrong), Some(all), "w"), false),
        (listing(None, Some(all - 1), "w"), false),
        (listing(None, None, "../w"), false),
        (listing(None, None, "/etc/w"), false),
    ] {
        let base = one_file(listed.clone(), plain).await;
        let result = bring("hf://a/b", &hub(&base), &Limits::default(), Reach::Public).await;
        assert_eq!(result.is_ok(), good, "{listed}");
    }
}

#[tokio::test]
async fn redirects_stay_where_they_may() {
    type Answer = fn(HeaderMap) -> Response;
    let cases: [(Answer, Reach, &str); 4] = [
        (|_| redirect("file:///etc/passwd"), Reach::Private, "protocol"),
        (|_| redirect("http://127.0.0.1:9/w"), Reach::Public, "private network"),
        (|_| redirect("http://169.254.169.254/latest"), Reach::Public, "private network"),
        (|_| redirect("http://user:pass@127.0.0.1/w"), Reach::Private, "password"),
    ];
    for (answer, reach, why) in cases {
        let base = one_file(listing(None, None, "w"), answer).await;
        let error = bring("hf://a/b", &hub(&base), &Limits::default(), reach).await.unwrap_err();
        assert!(matches!(error, SourceError::Redirect { .. }) && error.to_string().contains(why), "{error}");
    }
}

fn redirect(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response()
}

#[tokio::test]
async fn credentials_stay_with_their_host_and_the_way_is_told() {
    let store = serve(Router::new().route(
        "/w",
        get(|headers: HeaderMap| async move {
            if headers.contains_key(header::AUTHORIZATION) {
                StatusCode::BAD_REQUEST.into_response()
            } else {
                WEIGHTS.into_response()
            }
        }),
    ))
    .await;
    let to = format!("{store}/w?signature=secret");
    let base = serve(
        Router::new()
            .route("/api/models/a/b/revision/main", get(|| async { Json(listing(None, None, "w")) }))
            .route(
                "/a/b/resolve/c/w",
                get(move |headers: HeaderMap| async move {
                    assert!(headers.contains_key(header::AUTHORIZATION));
                    redirect(&to)
                }),
            ),
    )
    .await;
    let (fetched, _) = bring("hf://a/b", &hub(&base), &Limits::default(), Reach::Private).await.unwrap();
    assert_eq!(fetched.notes.len(), 1);
    assert!(fetched.notes[0].contains(&store) && !fetched.notes[0].contains("secret"));
}

async fn bucket(
    Path(rest): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let signed = headers.get(header::AUTHORIZATION).and_then(|a| a.to_str().ok());
    if !signed.is_some_and(|a| a.starts_with("AWS4-HMAC-SHA256 Credential=ID/")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match (rest.as_str(), query.get("continuation-token").map(String::as_str)) {
        ("models" | "models/", None) => {
            "<ListBucketResult><Contents><Key>m/v1/</Key><Size>0</Size></Contents><Contents><Key>m/v1/a b.bin</Key><Size>3</Size></Contents><NextContinuationToken>t/1=</NextContinuationToken></ListBucketResult>".into_response()
        }
        ("models" | "models/", Some("t/1=")) => {
            "<ListBucketResult><Contents><Key>m/v1/c.bin</Key><Size>1</Size></Contents></ListBucketResult>".into_response()
        }
        ("models/m/v1/a b.bin", _) => "abc".into_response(),
        ("models/m/v1/c.bin", _) => "c".into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test]
async fn objects_of_a_bucket_are_listed_page_by_page_and_signed_for() {
    let base = serve(Router::new().route("/{*rest}", get(bucket))).await;
    let settings = Settings {
        s3_endpoint: Some(base.clone()),
        s3_keys: Some(("ID".to_owned(), "SECRET".to_owned(), None)),
        ..Settings::default()
    };
    let (fetched, _folder) =
        bring("s3://models/m/v1/", &settings, &Limits::default(), Reach::Public).await.unwrap();
    let names: Vec<&str> = fetched.files.iter().map(|(path, _, _)| path.as_str()).collect();
    assert_eq!(names, ["a b.bin", "c.bin"]);
    let unsigned = Settings { s3_keys: None, ..settings };
    let error = bring("s3://models/m/v1/", &unsigned, &Limits::default(), Reach::Public).await.unwrap_err();
    assert!(matches!(error, SourceError::Status { status: 403, .. }), "{error}");
}

#[tokio::test]
async fn an_artifact_of_a_registry_is_pulled_by_digest_with_a_token() {
    let digest = Digest::of(WEIGHTS).to_hex();
    let layer = json!({ "digest": format!("sha256:{digest}"), "size": WEIGHTS.len(), "mediaType": "x", "annotations": { "org.opencontainers.image.title": "model.bin" } });
    let manifest = json!({ "schemaVersion": 2, "layers": [layer] });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let realm = format!("Bearer realm=\"http://{host}/token\",service=\"r\"");
    let asked = move |headers: HeaderMap| {
        let known = headers.get(header::AUTHORIZATION).is_some_and(|a| a == "Bearer T");
        let challenge =
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, realm.clone())]).into_response();
        (!known).then_some(challenge)
    };
    let blob_asked = asked.clone();
    let router = Router::new()
        .route(
            "/token",
            get(|Query(q): Query<BTreeMap<String, String>>| async move {
                assert_eq!(q["scope"], "repository:a/b:pull");
                Json(json!({ "token": "T" }))
            }),
        )
        .route(
            "/v2/a/b/manifests/v1",
            get(move |headers: HeaderMap| async move {
                asked(headers).unwrap_or_else(|| Json(manifest).into_response())
            }),
        )
        .route(
            "/v2/a/b/blobs/{digest}",
            get(move |headers: HeaderMap| async move {
                blob_asked(headers).unwrap_or_else(|| WEIGHTS.into_response())
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = Settings::default();
    let (fetched, folder) =
        bring(&format!("oci://{host}/a/b:v1"), &settings, &Limits::default(), Reach::Public).await.unwrap();
    assert_eq!(fetched.files[0].2, Digest::of(WEIGHTS));
    assert_eq!(std::fs::read(folder.path().join("model.bin")).unwrap(), WEIGHTS);
}

#[tokio::test]
async fn a_version_of_a_registered_model_is_fetched_from_its_server() {
    let base = serve(
        Router::new()
            .route("/api/2.0/mlflow/model-versions/get-download-uri", get(|Query(q): Query<BTreeMap<String, String>>| async move {
                assert_eq!((q["name"].as_str(), q["version"].as_str()), ("fraud", "3"));
                Json(json!({ "artifact_uri": "mlflow-artifacts:/1/run/artifacts/model" }))
            }))
            .route("/api/2.0/mlflow-artifacts/artifacts", get(|Query(q): Query<BTreeMap<String, String>>| async move {
                Json(match q["path"].as_str() {
                    "1/run/artifacts/model" => json!({ "files": [{ "path": "MLmodel", "is_dir": false, "file_size": 2 }, { "path": "data", "is_dir": true }] }),
                    "1/run/artifacts/model/data" => json!({ "files": [{ "path": "model.pkl", "is_dir": false }] }),
                    other => panic!("{other}"),
                })
            }))
            .route("/api/2.0/mlflow-artifacts/artifacts/{*path}", get(|Path(path): Path<String>| async move {
                assert!(path.starts_with("1/run/artifacts/model/"));
                "ok"
            })),
    )
    .await;
    let settings = Settings { mlflow: Some(base), ..Settings::default() };
    let (fetched, _folder) =
        bring("mlflow:models/fraud/3", &settings, &Limits::default(), Reach::Public).await.unwrap();
    let names: Vec<&str> = fetched.files.iter().map(|(path, _, _)| path.as_str()).collect();
    assert_eq!(names, ["MLmodel", "data/model.pkl"]);
}

#[tokio::test]
async fn what_takes_too_long_ends() {
    let base = serve(Router::new().route(
        "/api/models/a/b/revision/main",
        get(|| async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            "{}"
        }),
    ))
    .await;
    let short = Limits { time: Duration::from_millis(200), ..Limits::default() };
    let error = bring("hf://a/b", &hub(&base), &short, Reach::Public).await.unwrap_err();
    assert!(matches!(error, SourceError::Timeout(_)), "{error}");
}

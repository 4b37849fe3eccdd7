//! Models of rows behind servers that behave well, badly and not at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use proofhouse_endpoint::{
    Address, Answers, Companion, EndpointError, InferenceClient, Key, Limits, Lines, RowTarget, RowTemplate,
    Rows, Values,
};
use serde_json::json;
use support::{SLOW, http, server};

const ABOUT: &str = r#"{"name": "m", "versions": ["1"], "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
    "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 2]}]}"#;
const GOOD: &str =
    r#"{"outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [0.25, 0.75]}]}"#;

fn ok(body: &str) -> Vec<u8> {
    http("200 OK", "", body.as_bytes())
}

fn quick() -> Limits {
    Limits {
        timeout: Duration::from_millis(400),
        backoff: Duration::from_millis(5),
        response_bytes: 4096,
        attempts: 4,
        longest_wait: Duration::from_secs(3),
        ..Limits::default()
    }
}

async fn connect(addr: SocketAddr) -> Result<InferenceClient, EndpointError> {
    let url = format!("http://{addr}/v2/models/m");
    let key = Key::new("sk-secret-1");
    InferenceClient::connect(Address { url: &url, socket: None, key, input: None }, None, quick()).await
}

async fn ask(target: &dyn RowTarget) -> Result<Answers, EndpointError> {
    target.ask(Rows { values: &[0.5, 1.0], shape: &[2], others: &[] }).await
}

/// Asks a server that answers one question after the other like this; how often it was asked, too.
async fn asked(answers: Vec<Vec<u8>>) -> (Result<Answers, EndpointError>, usize) {
    let (addr, seen) = server([vec![ok(ABOUT)], answers].concat()).await;
    let client = connect(addr).await.unwrap();
    let answer = ask(&client).await;
    (answer, seen.count.load(Ordering::SeqCst) - 1)
}

#[tokio::test]
async fn a_model_is_asked_as_it_says() {
    let (addr, seen) = server(vec![ok(ABOUT), ok(GOOD)]).await;
    let client = connect(addr).await.unwrap();
    assert!(seen.last.lock().unwrap().starts_with("GET /v2/models/m HTTP"));
    let answer = ask(&client).await.unwrap();
    assert_eq!(answer.outputs[0].values, Values::Numbers(vec![0.25, 0.75]));
    let request = seen.last.lock().unwrap().clone();
    assert!(request.starts_with("POST /v2/models/m/infer HTTP"), "{request}");
    assert!(request.contains("authorization: Bearer sk-secret-1"), "{request}");
    assert!(request.contains(r#""data":[0.5,1.0],"datatype":"FP32","name":"x","shape":[1,2]"#), "{request}");
    assert_eq!(client.describe(), format!("http://{addr}/v2/models/m/infer"));
    for (shape, says) in
        [(&[2][..], None), (&[1, 2], Some("as many values")), (&[3], Some("takes the shape [any, 2]"))]
    {
        let error = client.admits(shape).err().map(|error| error.to_string());
        assert_eq!(error.is_some(), says.is_some());
        assert!(error.unwrap_or_default().contains(says.unwrap_or_default()));
    }
}

#[tokio::test]
async fn who_throttles_or_fails_is_asked_again() {
    let busy = |headers: &str| http("429 Too Many Requests", headers, b"slow down, sk-secret-1");
    let down = http("503 Service Unavailable", "", b"");
    let (answer, count) = asked(vec![busy(""), down.clone(), ok(GOOD)]).await;
    assert_eq!((answer.unwrap().attempts, count), (3, 3));
    // As long as it asks for, be it as a date.
    let later = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    for (header, least) in [("1".to_owned(), 900), (String::new(), 500)] {
        let header = if header.is_empty() { later() } else { header };
        let began = Instant::now();
        let (answer, _) = asked(vec![busy(&format!("retry-after: {header}\r\n")), ok(GOOD)]).await;
        assert_eq!(answer.unwrap().attempts, 2);
        assert!(began.elapsed() > Duration::from_millis(least), "{header} {:?}", began.elapsed());
    }
    // Not for ever, and not as long as anybody asks for.
    let (answer, count) = asked(vec![down]).await;
    assert!(
        matches!(answer, Err(EndpointError::Status { status: 503, .. })) && count == 4,
        "{answer:?} {count}"
    );
    let (answer, count) = asked(vec![busy("retry-after: 3600\r\n")]).await;
    let error = answer.unwrap_err().to_string();
    assert!(error.contains("429") && !error.contains("sk-secret") && count == 1, "{error} {count}");
}

#[tokio::test]
async fn who_is_slow_or_leaves_midway_is_asked_again() {
    let mut cut = ok(GOOD);
    cut.truncate(cut.len() - 9);
    let (answer, count) = asked(vec![cut.clone(), SLOW.to_vec(), ok(GOOD)]).await;
    assert_eq!((answer.unwrap().attempts, count), (3, 3));
    let (answer, count) = asked(vec![cut]).await;
    assert!(matches!(answer, Err(EndpointError::CutOff(_))) && count == 4, "{answer:?} {count}");
    let (answer, count) = asked(vec![SLOW.to_vec()]).await;
    assert!(matches!(answer, Err(EndpointError::Timeout(_))) && count == 4, "{answer:?} {count}");
}

#[tokio::test]
async fn nonsense_is_named_and_not_asked_for_again() {
    let output = |rest: &str| format!(r#"{{"outputs": [{{"name": "y", {rest}}}]}}"#);
    let long = output(&format!(r#""datatype": "BYTES", "shape": [1], "data": ["{}"]"#, "x".repeat(5000)));
    for (body, says) in [
        ("<html>".to_owned(), "not acceptable as JSON"),
        ("{}".to_owned(), "no \"outputs\""),
        (output(r#""datatype": "FP32", "shape": [1, 3], "data": [1, 2]"#), "does not hold 2 values"),
        (output(r#""datatype": "INT32", "shape": [1], "data": [0.5]"#), "not of its datatype"),
        (long, "more than 4096 bytes"),
    ] {
        let (answer, count) = asked(vec![ok(&body)]).await;
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(says) && count == 1, "{body}: {error} {count}");
    }
    let (answer, _) =
        asked(vec![ok(&output(r#""datatype": "FP32", "shape": [1, 2], "data": [NaN, 1]"#))]).await;
    let Values::Numbers(values) = &answer.unwrap().outputs[0].values else { panic!() };
    assert!(values[0].is_nan());
    let (answer, _) =
        asked(vec![http("307 Temporary Redirect", "location: http://127.0.0.1:9/\r\n", b"")]).await;
    assert_eq!(answer, Err(EndpointError::Redirect(307)));
}

#[tokio::test]
async fn what_cannot_be_asked_says_why() {
    let two = ABOUT.replace(
        "[{\"name\": \"x\"",
        "[{\"name\": \"w\", \"datatype\": \"FP32\", \"shape\": [-1]}, {\"name\": \"x\"",
    );
    let error = |about: String| async move {
        let (addr, _) = server(vec![ok(&about)]).await;
        connect(addr).await.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let ambiguous = error(two.clone()).await;
    assert!(ambiguous.contains("2 inputs: \"w\" (FP32 [any]), \"x\" (FP32 [any, 2])"), "{ambiguous}");
    assert!(ambiguous.contains("--input-tensor"), "{ambiguous}");
    assert!(error("{}".to_owned()).await.contains("it has no name"));
    // Who says nothing of the model can be told.
    let silent = r#"{"name": "m", "inputs": [], "outputs": []}"#;
    assert!(error(silent.to_owned()).await.contains("does not say what the model takes"));
    for about in [ok(silent), http("404 Not Found", "", b"")] {
        let (addr, seen) = server(vec![about, ok(GOOD)]).await;
        let url = format!("http://{addr}/v2/models/m");
        let named = Address { url: &url, socket: None, key: None, input: Some("features") };
        let client = InferenceClient::connect(named, None, quick()).await.unwrap();
        assert!(client.admits(&[9, 9]).is_ok() && ask(&client).await.is_ok());
        assert!(seen.last.lock().unwrap().contains(r#""name":"features""#));
    }
    let address = |url| Address { url, socket: None, key: Key::new("k"), input: None };
    for (url, says) in [
        ("http://127.0.0.1:1/predict", "no address of a model"),
        ("http://example.org/v2/models/m", "unencrypted"),
        ("ftp://example.org/v2/models/m", "neither https"),
    ] {
        let error = InferenceClient::connect(address(url), None, quick()).await.err().unwrap().to_string();
        assert!(error.contains(says), "{url}: {error}");
    }
    let (addr, _) = server(vec![ok(&ABOUT.replace("FP32", "UINT8"))]).await;
    let error = ask(&connect(addr).await.unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("takes UINT8"), "{error}");
}

#[tokio::test]
async fn several_inputs_are_sent_in_their_datatypes() {
    let two = ABOUT.replace(
        r#"[{"name": "x", "datatype": "FP32""#,
        r#"[{"name": "w", "datatype": "BOOL", "shape": [1]}, {"name": "x", "datatype": "UINT8""#,
    );
    let (addr, seen) = server(vec![ok(&two), ok(GOOD)]).await;
    let url = format!("http://{addr}/v2/models/m");
    let named = Address { url: &url, socket: None, key: None, input: Some("x") };
    let client = InferenceClient::connect(named, Some("y"), quick()).await.unwrap();
    let others = [Companion { name: "w".into(), shape: vec![1], values: vec![1.0] }];
    client.ask(Rows { values: &[3.0, 255.0], shape: &[2], others: &others }).await.unwrap();
    let request = seen.last.lock().unwrap().clone();
    for part in [
        r#"{"data":[true],"datatype":"BOOL","name":"w","shape":[1]}"#,
        r#"{"data":[3,255],"datatype":"UINT8","name":"x","shape":[1,2]}"#,
        r#""outputs":[{"name":"y"}]"#,
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    let error = ask(&client).await.unwrap_err().to_string();
    assert!(error.contains("also takes \"w\" (BOOL [1])"), "{error}");
}

#[tokio::test]
async fn any_address_is_asked_by_a_template() {
    let (addr, seen) = server(vec![ok(r#"{"predictions": [[0.1, 0.9]]}"#)]).await;
    let template = |body: serde_json::Value, answer: &str| {
        let file =
            json!({ "url": format!("http://{addr}/predict?k=hidden"), "body": body, "answer": answer });
        RowTemplate::read(file.to_string().as_bytes(), None, quick()).unwrap()
    };
    let rows = template(json!({ "instances": "{{rows}}" }), "/predictions");
    let answer = ask(&rows).await.unwrap();
    assert_eq!(
        (answer.outputs[0].shape.as_slice(), rows.describe()),
        (&[1, 2][..], format!("http://{addr}/predict"))
    );
    assert!(seen.last.lock().unwrap().ends_with(r#"{"instances":[[0.5,1.0]]}"#));
    let error = ask(&template(json!("{{flat_row}}"), "/nowhere")).await.unwrap_err().to_string();
    assert!(error.contains("nothing at \"/nowhere\""), "{error}");
}

#[tokio::test]
async fn a_program_is_asked_line_by_line() {
    let lines = |script: &str| {
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        std::thread::spawn(move || child.wait());
        Lines::new("a script", pipes, quick()).unwrap()
    };
    let good = lines(&format!("while read -r line; do echo '{GOOD}'; done"));
    for _ in 0..2 {
        assert_eq!(ask(&good).await.unwrap().outputs[0].values, Values::Numbers(vec![0.25, 0.75]));
    }
    let error = ask(&lines("exit 3")).await.unwrap_err().to_string();
    assert!(error.contains("a script"), "{error}");
    assert_eq!(ask(&lines("sleep 2")).await, Err(EndpointError::Timeout(quick().timeout)));
    let forever = lines("read -r line; yes | tr -d '\\n'");
    assert_eq!(ask(&forever).await, Err(EndpointError::TooLarge(4096)));
    // Its next line would be the answer to another question.
    assert!(ask(&forever).await.unwrap_err().to_string().contains("gave no answer earlier"));
}

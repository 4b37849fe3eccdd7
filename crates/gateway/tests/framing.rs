//! Framing that servers read differently is refused: the payloads on which five proxies disagreed.
//!
//! Each is sent raw, followed by a well-formed request as a smuggler would hide one. The gateway answers 400
//! (or 431) or closes, the instance sees nothing, and nothing after the offence is answered.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its house fails")]

mod house;

use house::{House, ROWS};

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let house = House::open().await;
    let key =
        format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", house.secret.expose());
    let n = ROWS.len();
    let post = |headers: &str, body: &str| {
        format!("POST /v2/models/m/infer HTTP/1.1\r\nHost: a\r\n{key}{headers}\r\n{body}")
    };
    let get = |line: &str, headers: &str| format!("{line}\r\n{headers}{key}\r\n");
    let chunked = format!("{n:x}\r\n{ROWS}\r\n0\r\n\r\n");
    let te = "Transfer-Encoding: chunked\r\n";
    let payloads = [
        ("CL and TE", post(&format!("Content-Length: {n}\r\n{te}"), &chunked)),
        ("TE and CL", post(&format!("{te}Content-Length: {n}\r\n"), &chunked)),
        ("TE twice", post(&format!("{te}{te}"), &chunked)),
        ("TE identity", post("Transfer-Encoding: identity\r\n", &chunked)),
        ("TE gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", &chunked)),
        ("TE chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", &chunked)),
        ("TE with vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", &chunked)),
        ("TE folded", post("Transfer-Encoding:\r\n chunked\r\n", &chunked)),
        ("TE space before colon", post("Transfer-Encoding : chunked\r\n", &chunked)),
        ("TE with underscore", post(&format!("Transfer_Encoding: chunked\r\nContent-Length: {n}\r\n"), ROWS)),
        ("same CL twice", post(&format!("Content-Length: {n}\r\nContent-Length: {n}\r\n"), ROWS)),
        ("two CLs", post(&format!("Content-Length: {n}\r\nContent-Length: 1\r\n"), ROWS)),
        ("CL list", post(&format!("Content-Length: {n}, {n}\r\n"), ROWS)),
        ("CL plus", post(&format!("Content-Length: +{n}\r\n"), ROWS)),
        ("CL hex", post("Content-Length: 0x10\r\n", ROWS)),
        ("CL negative", post("Content-Length: -1\r\n", ROWS)),
        ("CL huge", post("Content-Length: 99999999999999999999\r\n", ROWS)),
        ("CL empty", post("Content-Length: \r\n", ROWS)),
        ("bare LF", post(&format!("Content-Length: {n}\r\n"), ROWS).replace("\r\n", "\n")),
        ("one bare LF", post(&format!("X-A: b\nContent-Length: {n}\r\n"), ROWS)),
        ("bare CR", post(&format!("X-A: b\rContent-Length: {n}\r\n"), ROWS)),
        ("NUL in value", post(&format!("X-A: b\0c\r\nContent-Length: {n}\r\n"), ROWS)),
        ("folded header", post(&format!("X-A: b\r\n c\r\nContent-Length: {n}\r\n"), ROWS)),
        ("underscore header", post(&format!("X_Tenant: b\r\nContent-Length: {n}\r\n"), ROWS)),
        ("header without colon", post(&format!("X-A\r\nContent-Length: {n}\r\n"), ROWS)),
        ("empty header name", post(&format!(": b\r\nContent-Length: {n}\r\n"), ROWS)),
        ("chunk extension", post(te, &format!("{n:x};a=b\r\n{ROWS}\r\n0\r\n\r\n"))),
        ("chunk extension with LF", post(te, &format!("{n:x};\n{ROWS}\r\n0\r\n\r\n"))),
        ("LF-only chunks", post(te, &format!("{n:x}\n{ROWS}\n0\n\n"))),
        ("chunk size with sign", post(te, &format!("+{n:x}\r\n{ROWS}\r\n0\r\n\r\n"))),
        ("chunk size too long", post(te, &format!("000000000{n:x}\r\n{ROWS}\r\n0\r\n\r\n"))),
        ("chunk longer than it says", post(te, &format!("1\r\n{ROWS}\r\n0\r\n\r\n"))),
        ("trailers", post(te, &format!("{n:x}\r\n{ROWS}\r\n0\r\nX-A: b\r\n\r\n"))),
        ("HTTP/1.0", get("GET /v2/models/m HTTP/1.0", "Host: a\r\n")),
        ("HTTP/1.0 and TE", format!("POST /v2/models/m/infer HTTP/1.0\r\nHost: a\r\n{key}{te}\r\n{chunked}")),
        ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no version", get("GET /v2/models/m", "Host: a\r\n")),
        ("lower-case method", get("get /v2/models/m HTTP/1.1", "Host: a\r\n")),
        ("two spaces", get("GET  /v2/models/m HTTP/1.1", "Host: a\r\n")),
        ("leading empty line", format!("\r\n{}", get("GET /v2/models/m HTTP/1.1", "Host: a\r\n"))),
        ("two Hosts", get("GET /v2/models/m HTTP/1.1", "Host: a\r\nHost: b\r\n")),
        ("Host with path and fragment", get("GET /v2/models/m HTTP/1.1", "Host: x/#@evil\r\n")),
        ("Host with user", get("GET /v2/models/m HTTP/1.1", "Host: a@b\r\n")),
        ("empty Host", get("GET /v2/models/m HTTP/1.1", "Host: \r\n")),
        ("no Host", get("GET /v2/models/m HTTP/1.1", "")),
        ("absolute form", get("GET http://b/v2/models/m HTTP/1.1", "Host: a\r\n")),
        ("authority form", get("CONNECT b:80 HTTP/1.1", "Host: a\r\n")),
        ("asterisk form", get("OPTIONS * HTTP/1.1", "Host: a\r\n")),
        ("dot segments", get("GET /v2/models/x/../m HTTP/1.1", "Host: a\r\n")),
        ("encoded dots", get("GET /v2/models/x/%2e%2e/m HTTP/1.1", "Host: a\r\n")),
        ("encoded slash", get("GET /v2/models%2fm HTTP/1.1", "Host: a\r\n")),
        ("double slash", get("GET /v2//models/m HTTP/1.1", "Host: a\r\n")),
        ("trailing slash", get("GET /v2/models/m/ HTTP/1.1", "Host: a\r\n")),
        ("query", get("GET /v2/models/m?x=1 HTTP/1.1", "Host: a\r\n")),
        ("fragment", get("GET /v2/models/m#x HTTP/1.1", "Host: a\r\n")),
        ("backslash", get("GET /v2\\models\\m HTTP/1.1", "Host: a\r\n")),
        ("semicolon", get("GET /v2/models/m;a HTTP/1.1", "Host: a\r\n")),
        ("GET with body", get("GET /v2/models/m HTTP/1.1", "Host: a\r\nContent-Length: 5\r\n")),
        ("upgrade", get("GET /v2/models/m HTTP/1.1", "Host: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n")),
        ("h2c", get("GET /v2/models/m HTTP/1.1", "Host: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n")),
        (
            "connection names authorization",
            get("GET /v2/models/m HTTP/1.1", "Host: a\r\nConnection: close, Authorization\r\n"),
        ),
        ("authorization twice", get("GET /v2/models/m HTTP/1.1", "Host: a\r\nAuthorization: Bearer x\r\n")),
        ("x-api-key twice", get("GET /v2/models/m HTTP/1.1", "Host: a\r\nX-Api-Key: a\r\nx-api-key: b\r\n")),
        ("TLS hello", "\x16\x03\x01\x02".to_owned()),
    ];
    let smuggled = get("GET /v2/models/m/ready HTTP/1.1", "Host: a\r\n");
    let (all, mut answered) = (payloads.len(), 0);
    for (name, payload) in payloads {
        if let Some(reply) = house.send(format!("{payload}{smuggled}").as_bytes()).await {
            assert!(matches!(reply.status, 400 | 431), "{name}: {} {}", reply.status, reply.body);
            assert!(reply.code().starts_with("framing/") || reply.code().starts_with("body/"), "{name}");
            answered += 1;
        }
        let seen = house.instance.heads.lock().unwrap().clone();
        assert!(seen.is_empty(), "{name} reached the instance: {seen:?}");
    }
    assert!(answered == all, "{answered} of {all} were told why");
    // After all that it still serves.
    assert_eq!(house.status(&house.infer(ROWS)).await, 200);
}

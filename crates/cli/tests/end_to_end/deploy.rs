//! `release`, `deploy`, and a recall from another terminal: what callers, the deployer and whoever comes
//! later are told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{Scene, serving, text, until};

/// A model that is called, as its callers see it.
struct Gateway {
    address: SocketAddr,
    key: String,
}

impl Gateway {
    fn of(deployed: &Value, client: &str) -> Self {
        let keys = deployed["keys"].as_array().unwrap();
        let key = keys.iter().find(|k| k["client"] == client).unwrap()["key"].as_str().unwrap().to_owned();
        Self { address: deployed["gateway"].as_str().unwrap().parse().unwrap(), key }
    }

    /// Sends one blank image; the status and the body of the answer, or nothing where nobody listens.
    fn call(&self, key: &str) -> Option<(u16, Value)> {
        let row = vec![0.0; 64];
        let body = json!({"inputs": [{"name": "x", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": row}]})
            .to_string();
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!(
            "POST /v2/models/cheque-digits/infer HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             authorization: Bearer {key}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let body = answer.split_once("\r\n\r\n")?.1;
        Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    fn status(&self, key: &str) -> Option<u16> {
        self.call(key).map(|(status, _)| status)
    }
}

#[test]
fn a_recall_from_another_terminal_ends_a_deployment_for_good() {
    let scene = Scene::quick("deployed");
    scene.proofhouse(&["keygen"]).exits(0);
    scene
        .proofhouse(&["deploy", "."])
        .refuses(&["no release of cheque-reader for production", "proofhouse release"]);
    scene.proofhouse(&["release", "."]).exits(0).prints(&["ALLOW", "released as production.1"]);
    scene.assert_nothing_half_written();
    let digest = scene.digest();

    let mut deployment = scene.start(&["deploy", ".", "--format", "json"]);
    let deployed = deployment.wait_for("the deployment", |out| serde_json::from_str::<Value>(out).ok());
    assert_eq!(deployed["environment"], "production");
    assert_eq!(deployed["instances"].as_array().unwrap().len(), 2);
    assert!(deployed["instances"].as_array().unwrap().iter().all(|i| i["digest"] == digest.as_str()));
    assert_eq!(serving(&digest).len(), 2);

    let gateway = Gateway::of(&deployed, "branch-capture");
    let (status, answer) = gateway.call(&gateway.key).unwrap();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["outputs"][0]["data"].as_array().unwrap().len(), 10);
    assert_eq!(gateway.status("ph_nobody_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Some(401));
    assert_eq!(gateway.status(&Gateway::of(&deployed, "reporting").key), Some(403));
    no_key_is_kept(&scene, &deployed);

    let recall = ["recall", &digest, "--reason", "advisory 42", "--home", ".proofhouse", "--format", "json"];
    let recalled = scene.proofhouse(&recall).exits(0).json();
    assert_eq!(recalled["certificate"]["instances"].as_array().unwrap().len(), 2);
    assert_eq!(recalled["certificate"]["answered_after_denial"], 0);
    assert_ne!(gateway.status(&gateway.key), Some(200));
    assert_eq!(serving(&digest), [] as [u32; 0]);
    deployment.ends().exits(1);
    until("the gateway to be gone", || gateway.status(&gateway.key).is_none().then_some(()));

    let key = scene.home().join("keys/signer.pub");
    let file = recalled["certificate"]["recall"].as_str().unwrap();
    let file = scene.home().join(format!("certificates/{file}.dsse.json"));
    scene
        .proofhouse(&["verify", "certificate", text(&file), "--key", text(&key)])
        .exits(0)
        .prints(&["advisory 42"]);
    scene.verify_ledger().exits(0);

    a_recall_everywhere_stays_in_force(&scene, &digest);
}

fn a_recall_everywhere_stays_in_force(scene: &Scene, digest: &str) {
    scene.proofhouse(&["deploy", "."]).exits(1).prints(&["deny", "recall"]);
    let run = scene.proofhouse(&["run", "."]).exits(1).prints(&["recall"]);
    assert!(!run.out.contains("gateway on http://"), "{run}");
    scene.proofhouse(&["release", "."]).exits(1).prints(&["DENY", "recall"]);
    assert_eq!(serving(digest), [] as [u32; 0]);
    // To recall again what runs nowhere is proven again.
    let again = ["recall", digest, "--reason", "to be sure", "--home", ".proofhouse"];
    scene.proofhouse(&again).exits(0).prints(&["0 instances proven stopped"]);
    scene.assert_nothing_half_written();
    scene.verify_ledger().exits(0);
}

/// A key is told once, to whoever deployed; the house keeps its hash.
fn no_key_is_kept(scene: &Scene, deployed: &Value) {
    for key in deployed["keys"].as_array().unwrap() {
        let key = key["key"].as_str().unwrap().as_bytes();
        for file in crate::scene::files_below(&scene.home()) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(key.len()).any(|w| w == key), "a client's key is in {}", file.display());
        }
    }
}

//! `run`: what a whole life leaves behind, and whether it can be told when somebody changes it afterwards.

use std::fs;

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::Value;

use crate::scene::{Said, Scene, copy, files_below, serving, text};

/// What a page needs to load something or to run something.
const ACTIVE: &[&str] = &[
    "<script",
    "<link",
    "<iframe",
    "<object",
    "<embed",
    "<base",
    "<form",
    "@import",
    "url(",
    "src=\"http",
    "src='http",
    "src=\"//",
    "javascript:",
    "http-equiv=\"refresh",
    " onload=",
    " onclick=",
    " onerror=",
];

#[test]
fn the_example_lives_through_its_life_as_it_is_shipped() {
    let scene = Scene::as_shipped("as-shipped");
    let said = scene.proofhouse(&["run", "."]).exits(0).prints(&[
        "1 plan",
        "2 assess",
        "ALLOW",
        "4 release",
        "5 deploy",
        "ALARM",
        "policy says recall",
        "swept",
        "re-opened by signal-1",
        "verified",
    ]);
    assert!(!said.err.contains("error:"), "{said}");
    scene.assert_nothing_half_written();
}

#[test]
fn two_lives_in_one_house_leave_proof_that_anyone_can_check() {
    let scene = Scene::quick("two-lives");
    let first = scene.proofhouse(&["run", ".", "--format", "json"]).exits(0);
    the_run_says_how_it_ended(&first, "rehearsal-1");
    assert!(first.err.is_empty(), "a quiet run: {first}");
    let kept = scene.beside("kept");
    copy(&scene.home(), &kept);

    // A person's run in the same house: what was recalled in the first rehearsal may live in the second.
    scene.proofhouse(&["run", "."]).exits(0).prints(&["rehearsal-2", "rehearsal-2.i", "verified"]);
    scene.verify_ledger().exits(0).prints(&["verified: "]);
    scene.assert_nothing_half_written();

    the_report_is_one_inert_page(&scene);
    the_certificates_hold_and_only_as_they_are(&scene);
    nothing_runs_any_more(&scene);
    the_loss_followed_what_was_known(&scene);
    the_alarm_opened_threats_again(&scene);
    the_views_can_be_made_again(&scene);
    a_ledger_put_back_is_found_with_a_checkpoint_kept_elsewhere(&scene, &kept);
    a_changed_leaf_is_found_and_named(&scene);
}

fn the_run_says_how_it_ended(said: &Said, environment: &str) {
    let told = said.json();
    assert_eq!(told["environment"], environment);
    assert_eq!(told["outcome"], "completed");
    assert_eq!(told["ledger"]["sound"], true);
    assert_eq!(told["certificates"].as_array().unwrap().len(), 1);
}

fn the_report_is_one_inert_page(scene: &Scene) {
    let page = fs::read_to_string(scene.home().join("report.html")).unwrap();
    assert!((10_000..500_000).contains(&page.len()), "{} bytes", page.len());
    for part in ACTIVE {
        assert!(!page.contains(part), "the report has {part}");
    }
    assert!(page.contains("rehearsal-2"));
    let digest = scene.digest();
    assert!(page.contains(digest.trim_start_matches("sha256:")), "the report does not name the model");
}

fn the_certificates_hold_and_only_as_they_are(scene: &Scene) {
    let key = scene.home().join("keys/signer.pub");
    let files = files_below(&scene.home().join("certificates"));
    assert_eq!(files.len(), 2);
    for (file, environment) in files.iter().zip(["rehearsal-1", "rehearsal-2"]) {
        let said = scene.proofhouse(&["verify", "certificate", text(file), "--key", text(&key)]).exits(0);
        let instances = said.out.lines().filter(|line| line.contains(&format!("  {environment}.i"))).count();
        assert_eq!(instances, 2, "{said}");
        said.prints(&["verified: nothing served it any more", "0 requests answered after that"]);
    }

    let whole = fs::read(&files[0]).unwrap();
    let changed = scene.beside("changed.json");
    // A byte of the payload, of the signature, and of the structure around them.
    for at in [whole.len() / 3, whole.len() - 20, 2] {
        let mut bytes = whole.clone();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        fs::write(&changed, bytes).unwrap();
        let said = scene.proofhouse(&["verify", "certificate", text(&changed), "--key", text(&key)]);
        said.exits(1).complains(&[]);
    }

    let other = scene.beside("other");
    scene.proofhouse(&["keygen", "--home", text(&other)]).exits(0);
    let other = other.join("keys/signer.pub");
    scene
        .proofhouse(&["verify", "certificate", text(&files[0]), "--key", text(&other)])
        .exits(1)
        .complains(&[]);
}

fn nothing_runs_any_more(scene: &Scene) {
    let status = scene.proofhouse(&["status", ".", "--format", "json"]).exits(0).json();
    let instances = status["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 4);
    assert!(instances.iter().all(|i| i["state"] == "stopped"), "{instances:#?}");
    assert!(status["recalls"].as_array().unwrap().iter().all(|r| r["state"] == "certified"));
    scene.proofhouse(&["status", "."]).exits(0).prints(&[
        "none running",
        "  recall-1 (certified)",
        "  recall-2 (certified)",
    ]);
    assert_eq!(serving(&scene.digest()), [] as [u32; 0]);
}

/// Measuring removed what was only feared; the alarm brought part of it back.
fn the_loss_followed_what_was_known(scene: &Scene) {
    let scores: Vec<(String, f64)> = scene
        .entries("risk-scored")
        .iter()
        .map(|e| {
            let label = e["body"]["label"].as_str().unwrap().to_owned();
            (label, e["body"]["annual_loss_p95"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(scores.len(), 6);
    for life in scores.chunks(3) {
        let [(a, before), (b, measured), (c, alarmed)] = life else { panic!("{life:?}") };
        assert_eq!([a, b, c], ["before assessment", "after assessment", "after the alarm"]);
        assert!(before > measured && measured < alarmed, "{life:?}");
    }
}

fn the_alarm_opened_threats_again(scene: &Scene) {
    let reopened = scene.entries("threat-reopened");
    let named: Vec<&str> = reopened.iter().filter_map(|e| e["body"]["id"].as_str()).collect();
    // The monitored threats: drift of the world, and stale data.
    for threat in ["MOD-13", "DAT-08"] {
        assert!(named.contains(&threat), "{named:?}");
    }
    let status = scene.proofhouse(&["status", ".", "--format", "json"]).exits(0).json();
    let open = |threat: &Value| threat["id"] == "MOD-13" && threat["state"] == "open";
    assert!(status["threats"].as_array().unwrap().iter().any(open), "{status:#}");
}

fn the_views_can_be_made_again(scene: &Scene) {
    let status = || scene.proofhouse(&["status", ".", "--format", "json"]).exits(0).out;
    let before = status();
    scene
        .proofhouse(&["ledger", "rebuild", "--home", ".proofhouse"])
        .exits(0)
        .prints(&["threats", "instances"]);
    assert_eq!(status(), before);
    scene.verify_ledger().exits(0);
}

/// An old copy of the whole database verifies by itself: only a checkpoint kept elsewhere can tell.
fn a_ledger_put_back_is_found_with_a_checkpoint_kept_elsewhere(scene: &Scene, kept: &std::path::Path) {
    let status = scene.proofhouse(&["status", ".", "--format", "json"]).exits(0).json();
    let note = scene.beside("saved.note");
    fs::write(&note, status["checkpoint"].as_str().unwrap()).unwrap();
    let verify = ["ledger", "verify", "--checkpoint", text(&note), "--home"];
    scene.proofhouse(&[&verify[..], &[".proofhouse"]].concat()).exits(0);
    scene.proofhouse(&["ledger", "verify", "--home", text(kept)]).exits(0);
    scene.proofhouse(&[&verify[..], &[text(kept)]].concat()).exits(1).complains(&["checkpoint"]);
}

/// Whoever can write the database can change an entry, but not unseen.
fn a_changed_leaf_is_found_and_named(scene: &Scene) {
    let recall = &scene.entries("recall-ordered")[0];
    let seq = recall["seq"].as_i64().unwrap();
    let (before, after) =
        ("\"scope\":{\"environment\":\"rehearsal-1\"}", "\"scope\":{\"environment\":\"rehearsal-9\"}");
    let url = format!("sqlite:{}", text(&scene.home().join("ledger.db")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Database::connect(url).await.unwrap();
        let of_entry = || Expr::col(Alias::new("seq")).eq(seq);
        let (table, column) = (Alias::new("leaves"), Alias::new("leaf"));
        let select =
            Query::select().column(column.clone()).from(table.clone()).and_where(of_entry()).to_owned();
        let row = database.query_one(&select).await.unwrap().unwrap();
        let leaf = String::from_utf8(row.try_get::<Vec<u8>>("", "leaf").unwrap()).unwrap();
        assert!(leaf.contains(before), "{leaf}");
        let leaf = leaf.replace(before, after).into_bytes();
        let update = Query::update().table(table).value(column, leaf).and_where(of_entry()).to_owned();
        assert_eq!(database.execute(&update).await.unwrap().rows_affected(), 1);
        database.close().await.unwrap();
    });
    let said = scene.verify_ledger().exits(1);
    assert!(said.err.contains("leaves") && said.err.contains(&seq.to_string()), "{said}");
    assert!(said.out.is_empty(), "{said}");
}

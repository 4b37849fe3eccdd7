//! Homes whose keys or ledger are not as they should be.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::scene::{Scene, files_below, text};

#[test]
fn a_private_key_that_others_can_read_is_not_used() {
    let scene = Scene::quick("open-key");
    scene.proofhouse(&["keygen"]).exits(0);
    for name in ["signer.key", "ledger.key"] {
        let key = scene.home().join("keys").join(name);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
        scene.proofhouse(&["plan", "."]).refuses(&[name, "mode 644", "chmod 600"]);
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(fs::metadata(scene.home()).unwrap().permissions().mode() & 0o777, 0o700);
    scene.proofhouse(&["plan", "."]).exits(0);
}

#[test]
fn keys_are_never_overwritten_and_never_made_by_halves() {
    let scene = Scene::quick("keygen-twice");
    scene.proofhouse(&["keygen"]).exits(0);
    let keys = scene.home().join("keys");
    let before: Vec<_> = files_below(&keys).iter().map(|f| fs::read(f).unwrap()).collect();
    assert_eq!(before.len(), 4);
    scene.proofhouse(&["keygen"]).refuses(&["signer.key exists already"]);
    let after: Vec<_> = files_below(&keys).iter().map(|f| fs::read(f).unwrap()).collect();
    assert_eq!(before, after);
    // One that is left keeps the others from being made, whichever it is.
    for name in ["signer.key", "signer.pub", "ledger.vkey"] {
        fs::remove_file(keys.join(name)).unwrap();
    }
    scene.proofhouse(&["keygen"]).refuses(&["ledger.key exists already"]);
    scene.proofhouse(&["plan", "."]).refuses(&["ledger.key exists already"]);
    assert_eq!(files_below(&keys), [keys.join("ledger.key")]);
}

#[test]
fn a_ledger_whose_keys_are_lost_gets_no_new_ones() {
    let scene = Scene::quick("keys-lost");
    scene.proofhouse(&["plan", "."]).exits(0);
    let (keys, safe) = (scene.home().join("keys"), scene.beside("safe"));
    fs::rename(&keys, &safe).unwrap();
    for command in [&["plan", "."][..], &["run", "."], &["status", "."], &["keygen"]] {
        scene.proofhouse(command).refuses(&[".proofhouse", "not the keys", "restore them"]);
    }
    assert!(!keys.exists(), "a folder of keys was made all the same");
    fs::rename(&safe, &keys).unwrap();
    scene.proofhouse(&["plan", "."]).exits(0);

    // The keys of another house open it neither.
    let other = scene.beside("other");
    scene.proofhouse(&["keygen", "--home", text(&other)]).exits(0);
    fs::rename(&keys, &safe).unwrap();
    fs::rename(other.join("keys"), &keys).unwrap();
    let said = scene.verify_ledger();
    assert_ne!(said.code, Some(0), "{said}");
}

#[test]
fn a_home_that_is_not_there_is_not_made_by_those_who_only_read() {
    let scene = Scene::quick("no-home");
    scene.proofhouse(&["status", "."]).refuses(&["keys", "proofhouse keygen"]);
    scene.proofhouse(&["report", "."]).refuses(&["keys", "proofhouse keygen"]);
    scene.proofhouse(&["deploy", "."]).refuses(&["keys", "proofhouse keygen"]);
    let digest = format!("sha256:{}", "0".repeat(64));
    scene.proofhouse(&["recall", &digest, "--reason", "a test"]).refuses(&["keys"]);
    for command in ["verify", "show", "rebuild"] {
        scene.proofhouse(&["ledger", command]).refuses(&[".proofhouse"]);
    }
    assert!(!scene.home().exists());
}

#[test]
fn a_ledger_that_is_no_database_is_refused() {
    let scene = Scene::quick("no-database");
    scene.proofhouse(&["keygen"]).exits(0);
    fs::write(
        scene.home().join("ledger.db"),
        "not a database, and long enough to be read as one: ".repeat(99),
    )
    .unwrap();
    scene.proofhouse(&["plan", "."]).refuses(&["ledger.db"]);
    scene.verify_ledger().refuses(&["ledger.db"]);
}

#[test]
fn a_home_that_cannot_be_made_is_named() {
    let scene = Scene::quick("home-is-file");
    fs::write(scene.beside("file"), "").unwrap();
    let home = scene.beside("file/home");
    scene.proofhouse(&["plan", ".", "--home", text(&home)]).refuses(&["cannot write", "file/home"]);
}

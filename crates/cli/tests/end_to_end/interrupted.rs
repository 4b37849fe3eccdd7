//! Runs that are disturbed: by a taken port, by a second run, by `kill -9`. Nothing goes on serving, the
//! ledger stays sound, and the next run completes.

use std::net::TcpListener;

use crate::scene::{Scene, serving, until};

#[test]
fn a_taken_port_a_second_run_and_a_killed_run_leave_a_house_that_works() {
    let scene = Scene::quick("interrupted");
    scene.proofhouse(&["keygen"]).exits(0);
    let digest = scene.digest();

    a_taken_port_is_named_and_no_instance_stays(&scene, &digest);
    a_second_run_waits_its_turn_and_a_killed_one_takes_its_instances_along(&scene, &digest);

    scene.proofhouse(&["run", ".", "--format", "json"]).exits(0);
    assert_eq!(serving(&digest), [] as [u32; 0]);
    // The next run told the ledger what had become of the killed one's instances.
    let status = scene.proofhouse(&["status", ".", "--format", "json"]).exits(0).json();
    let instances = status["instances"].as_array().unwrap();
    assert!(instances.iter().any(|i| i["id"].as_str().unwrap().starts_with("rehearsal-2.")), "{status:#}");
    assert!(instances.iter().all(|i| i["state"] == "stopped"), "{status:#}");
    scene.verify_ledger().exits(0);
    let outcomes: Vec<_> = scene
        .entries("run-finished")
        .iter()
        .map(|e| e["body"]["outcome"].as_str().unwrap().to_owned())
        .collect();
    // The killed run could not say how it ended, and the ledger does not say it in its place.
    assert_eq!(outcomes, ["failed", "completed"]);
    let environments: Vec<_> = scene
        .entries("run-started")
        .iter()
        .map(|e| e["body"]["environment"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(environments, ["rehearsal-1", "rehearsal-2", "rehearsal-3"]);
}

fn a_taken_port_is_named_and_no_instance_stays(scene: &Scene, digest: &str) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = scene.proofhouse(&["run", ".", "--listen", &address, "--format", "json"]);
    said.refuses(&[&address, "another program listens there"]);
    assert_eq!(serving(digest), [] as [u32; 0], "instances stayed behind");
    scene.assert_nothing_half_written();
    scene.verify_ledger().exits(0);
    let status = scene.proofhouse(&["status", ".", "--format", "json"]).exits(0).json();
    assert!(status["instances"].as_array().unwrap().iter().all(|i| i["state"] == "stopped"), "{status:#}");
}

fn a_second_run_waits_its_turn_and_a_killed_one_takes_its_instances_along(scene: &Scene, digest: &str) {
    let mut first = scene.start(&["run", "."]);
    first.wait_for("a run that deploys", |out| out.contains("gateway on http://").then_some(()));
    assert_eq!(serving(digest).len(), 2);
    // Reading is not disturbed by a run, nor does it disturb one.
    scene.proofhouse(&["status", "."]).exits(0).prints(&["instance   rehearsal-2.i"]);
    scene.verify_ledger().exits(0);
    first.hold();
    for command in ["run", "deploy"] {
        scene.proofhouse(&[command, "."]).refuses(&[".proofhouse", "in use", "another --home"]);
    }
    first.kill();
    until("the instances to follow their agent", || serving(digest).is_empty().then_some(()));
    scene.verify_ledger().exits(0);
    scene.assert_nothing_half_written();
}

//! The example project, a house with a clock of its own, and a fleet and a gateway on paper.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use proofhouse_core::{Digest, Timestamp};
use proofhouse_lifecycle::{
    DataPlane, Denial, Fleet, House, HouseOptions, Project, Release, RunningInstance, Scope, Stopped, Tool,
};

/// The example with less of everything that takes time, and one change where one is wanted.
pub fn example(dir: &Path, change: Option<(&str, &str)>) -> Project {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cheque-reader");
    for folder in ["data", "model"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
        for file in fs::read_dir(example.join(folder)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.join(folder).join(file.file_name())).unwrap();
        }
    }
    let mut text = fs::read_to_string(example.join("proofhouse.yaml")).unwrap();
    let smaller = [
        ("queries: 1000", "queries: 50"),
        ("samples: 200", "samples: 40"),
        ("years: 200000", "years: 20000"),
    ];
    for (from, to) in smaller.into_iter().chain(change) {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    fs::write(dir.join("proofhouse.yaml"), text).unwrap();
    Project::load(dir).unwrap()
}

/// A house whose clock goes on by a second whenever it is read.
pub async fn house(home: &Path) -> House {
    let now = AtomicI64::new("2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap().unix_ms());
    House::open_or_create(HouseOptions {
        home: home.to_path_buf(),
        ledger: None,
        tool: Tool { name: "proofhouse".into(), version: "0.0.0".into(), build: Digest::of(b"build") },
        clock: Arc::new(move || Timestamp::from_unix_ms(now.fetch_add(1000, Ordering::Relaxed))),
        actor: "tester".into(),
        endpoints: None,
    })
    .await
    .unwrap()
}

/// Instances that are names in a list.
#[derive(Default)]
pub struct PaperFleet(pub Mutex<Vec<RunningInstance>>);

impl Fleet for PaperFleet {
    fn name(&self) -> &str {
        "paper"
    }

    async fn start(&self, id: &str, release: &Release) -> Result<RunningInstance, String> {
        let mut running = self.0.lock().unwrap();
        let n = u16::try_from(running.len()).unwrap();
        let instance = RunningInstance {
            id: id.to_owned(),
            digest: release.statement.model,
            pid: 4000 + u32::from(n),
            addr: ([127, 0, 0, 1], 9000 + n).into(),
        };
        running.push(instance.clone());
        Ok(instance)
    }

    fn serving(&self, digest: &Digest) -> Result<Option<Vec<String>>, String> {
        let running = self.0.lock().unwrap();
        Ok(Some(running.iter().filter(|i| i.digest == *digest).map(|i| i.id.clone()).collect()))
    }

    async fn stop_all(&self, digest: &Digest, _: &Scope) -> Result<Vec<Stopped>, String> {
        let (stopped, kept) =
            std::mem::take(&mut *self.0.lock().unwrap()).into_iter().partition(|i| i.digest == *digest);
        *self.0.lock().unwrap() = kept;
        let stopped: Vec<RunningInstance> = stopped;
        let proof = |i: RunningInstance| Stopped {
            id: i.id,
            pid: i.pid,
            how: "killed".into(),
            connection_refused: Some(true),
        };
        Ok(stopped.into_iter().map(proof).collect())
    }
}

/// A gateway that says when it denied.
pub struct PaperGateway(pub Timestamp);

impl DataPlane for PaperGateway {
    async fn deny(&self, _: &Digest) -> Result<Denial, String> {
        Ok(Denial { gateway: "paper gateway".into(), epoch: 3, cancelled: 0, acknowledged: self.0 })
    }

    fn answered_after_denial(&self, _: &Digest) -> u64 {
        0
    }
}

//! Attacks on models somewhere else that take more than one float32 tensor: whole numbers, and other inputs beside the
//! rows, over REST and over gRPC.

#![expect(clippy::unwrap_used, reason = "a test panics where it cannot go on")]

#[path = "../../endpoint/tests/support/grpc.rs"]
#[expect(dead_code, reason = "the endpoint's own tests use the rest")]
mod grpc;
#[expect(dead_code, reason = "other tests write their archives from it")]
mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use grpc::{Reply, server, tensor};
use proofhouse_artifact::protobuf::{Field, Fields, Message, Value as Wire, packed_varints};
use serde_json::Value;
use support::{header, stored};

const BINARY: &str = env!("CARGO_BIN_EXE_proofhouse");
/// Rows of the data.
const N: usize = 24;

/// A model that takes pixels (UINT8) and an age (INT64), and tells rows apart by their mean: the older, the higher it has
/// to be. Its address, and by how much its threshold has moved.
async fn model() -> (String, Arc<AtomicI64>) {
    let moved = Arc::new(AtomicI64::new(0));
    let shared = Arc::clone(&moved);
    let (addr, _) = server(move |_, method, message| match method {
        "ModelMetadata" => {
            let mut about = Message::default();
            about.text(1, "ages");
            about.message(4, &tensor("pixels", "UINT8", &[-1, 4]));
            about.message(4, &tensor("age", "INT64", &[-1, 1]));
            about.message(5, &tensor("score", "FP32", &[-1, 2]));
            about.message(5, &tensor("more", "FP32", &[-1, 2]));
            Reply::Message(about.into_bytes())
        }
        "ModelInfer" => answer(message, |age| 80 + age + shared.load(Ordering::SeqCst)),
        _ => Reply::Message(vec![8, 1]),
    })
    .await;
    (format!("grpc://{addr}/ages"), moved)
}

fn answer(message: &[u8], threshold: impl Fn(i64) -> i64) -> Reply {
    let inputs: Vec<Field<'_>> = Fields::new(message).map(Result::unwrap).filter(|f| f.number == 5).collect();
    let list = |input: &Field<'_>| -> Vec<i64> {
        let contents = input.message().unwrap().map(Result::unwrap).find(|f| f.number == 5).unwrap();
        let list = contents.message().unwrap().next().unwrap().unwrap();
        let Wire::Bytes(packed) = list.value else { panic!("{list:?}") };
        packed_varints(packed, 0).map(|value| value.unwrap().cast_signed()).collect()
    };
    let (pixels, ages) = (list(&inputs[0]), list(&inputs[1]));
    assert!(pixels.len() == 4 * ages.len() && pixels.iter().all(|p| (0..256).contains(p)), "{pixels:?}");
    let over = |(row, age): (&[i64], &i64)| row.iter().sum::<i64>() as f64 / 4.0 - threshold(*age) as f64;
    let scores: Vec<f32> = pixels
        .chunks(4)
        .zip(&ages)
        .map(over)
        .flat_map(|over| [-over as f32 / 16.0, over as f32 / 16.0])
        .collect();
    let mut out = Message::default();
    let shape = [i64::try_from(ages.len()).unwrap(), 2];
    // Two outputs, raw, of which one is asked for or both come.
    let named = |field: &Field<'_>| {
        let output = field.message().unwrap().next().unwrap().unwrap();
        if output.value == Wire::Bytes(b"score") { vec!["score"] } else { vec!["more"] }
    };
    let wanted = Fields::new(message).map(Result::unwrap).find(|f| f.number == 6);
    for output in wanted.as_ref().map_or_else(|| vec!["score", "more"], named) {
        out.message(5, &tensor(output, "FP32", &shape));
        out.bytes(6, &scores.iter().flat_map(|score| score.to_le_bytes()).collect::<Vec<_>>());
    }
    Reply::Message(out.into_bytes())
}

/// Ages differ from row to row, and with them the threshold: row `i` lies `2 i + 1` below or above its own.
fn data(dir: &Path) {
    let ages: Vec<i64> = (0..N).map(|row| (row * 7 % N) as i64 * 3).collect();
    let label = |row: usize| row % 2;
    let pixel = |row: usize| {
        let margin = 2 * row as i64 + 1;
        80 + ages[row] + if label(row) == 1 { margin } else { -margin }
    };
    let mut x = header("|u1", &format!("({N}, 4)"));
    (0..N).for_each(|row| x.extend([u8::try_from(pixel(row)).unwrap(); 4]));
    let mut age = header("<i8", &format!("({N}, 1)"));
    ages.iter().for_each(|a| age.extend(a.to_le_bytes()));
    let mut y = header("|u1", &format!("({N},)"));
    y.extend((0..N).map(|row| label(row) as u8));
    let arrays = stored(&[("x.npy", &x), ("age.npy", &age), ("y.npy", &y)]);
    std::fs::write(dir.join("ages.npz"), arrays).unwrap();
}

/// Runs `attack` with these words; the exit code, what is said and what goes wrong.
async fn attack(words: String, folder: &Path) -> (i32, String, String) {
    let folder = folder.to_owned();
    let run = move || {
        let words = words.split_whitespace();
        Command::new(BINARY).arg("attack").args(words).current_dir(folder).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn rows_are_attacked_with_what_goes_with_them_and_in_whole_numbers() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    let (url, _) = model().await;
    let first = format!("--endpoint {url} --data ages.npz --box 0,255 --eps 20.7");
    let attack = |more: &str| attack(format!("{first} {more}"), dir.path());
    // What is ambiguous is asked.
    for (more, says) in [
        (
            "",
            "2 inputs: \"pixels\" (UINT8 [any, 4]), \"age\" (INT64 [any, 1]). Name the one to attack (--input-tensor)",
        ),
        ("--input pixels", "Name it with --output-tensor"),
        ("--input age", "holds no array pixels"),
        ("--input pixels --output-tensor score --scale 0.3", "times 0.3"),
        ("--input pixels --output-tensor score --grid 0.3", "no multiple"),
    ] {
        let (code, _, err) = attack(more).await;
        assert!(code == 2 && err.contains(says), "{more}: {err}");
    }
    let named = "--input pixels --output-tensor score --with square --queries 100";
    let (code, out, err) = attack(&format!("{named} --format json --examples 99")).await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("at most 20.7 means at most 20"), "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    // Margins of 1, 3, …, 19 lie within 20 steps, and no others.
    assert_eq!(found["report"]["evaded_rows"], serde_json::json!((0..10).collect::<Vec<_>>()), "{found}");
    assert_eq!(found["report"]["robust_correct"], N - 10);
    assert_eq!(found["report"]["survive_rounding"], 10);
    assert_eq!(found["target"]["input"], "\"pixels\" (UINT8 [any, 4])");
    assert_eq!(found["target"]["with"][0], "age: for each row its own");
    let (_, out, err) = attack(&format!("{named} --rows 4")).await;
    assert!(
        out.contains("rows go to \"pixels\"") && out.contains("age: for each row its own"),
        "{out} {err}"
    );
    assert!(out.contains("are so rounded to values 1.000000 apart, too"), "{out}");
}

#[tokio::test]
async fn a_model_that_has_changed_is_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    let (url, moved) = model().await;
    let attack = |more: &str| {
        let first = format!("--endpoint {url} --data ages.npz --box 0,255 --eps 20 --input pixels");
        let rest = "--output-tensor score --with square --queries 60 --state state --format json";
        attack(format!("{first} {rest} {more}"), dir.path())
    };
    let (code, out, err) = attack("--max-queries 500").await;
    assert!(code == 2 && out.contains("\"partial\""), "{err}");
    moved.store(1, Ordering::SeqCst);
    let (code, _, err) = attack("--resume").await;
    assert!(
        code == 2 && err.contains("is not the one that was attacked: of row 0 it gives class 0"),
        "{err}"
    );
    // The model itself is known again.
    moved.store(0, Ordering::SeqCst);
    let (code, out, err) = attack("--resume").await;
    assert_eq!(code, 0, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert!(found["target"]["queries"]["known"].as_u64().unwrap() > 400, "{}", found["target"]);
}

//! The embedded engine on real models, against figures from ONNX Runtime 1.32 (CPU provider).

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_onnx::{
    Classifier, ClassifierOptions, Dimension, LoadOptions, OnnxError, OutputKind, Preprocess, Scores, Tensor,
    evaluate, load, predict,
};

const CNN: &[u8] = include_bytes!("fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("fixtures/mlp_naive.onnx");
const SOFTMAX: &[u8] = include_bytes!("fixtures/mlp_softmax.onnx");
const DIGITS: &[u8] = include_bytes!("fixtures/digits_test.u8");

/// Model, what it returns, the first row's outputs, the sum over all outputs, and the rows predicted wrongly
/// with what they are taken for.
type Reference<'a> = (&'a [u8], OutputKind, [f64; 10], f64, &'a [(usize, usize)]);

fn digits() -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p))).collect(), labels)
}

fn classifier(bytes: &[u8], kind: OutputKind, threads: usize) -> Classifier {
    with_options(bytes, kind, &LoadOptions { threads, ..LoadOptions::default() }).unwrap()
}

fn with_options(bytes: &[u8], kind: OutputKind, load_options: &LoadOptions) -> Result<Classifier, OnnxError> {
    let engine = load(bytes, load_options)?;
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind,
        preprocess: Preprocess { scale: 1.0 / 16.0 },
    };
    Classifier::new(engine, options)
}

fn scores(model: &dyn Scores, rows: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    model.scores(rows, rows.len() / 64, &mut out).unwrap();
    out
}

#[test]
fn logits_and_predictions_are_those_of_onnx_runtime() {
    let (rows, labels) = digits();
    #[rustfmt::skip]
    let cases: [Reference; 3] = [
        (CNN, OutputKind::Logits,
         [-7.1745138, 0.44743091, -14.070052, -5.8105626, 5.2083197, 0.35717624, -3.7059667, -0.59345317,
          -1.5225201, -0.52746397], -5044.417, &[]),
        (MLP, OutputKind::Logits,
         [-7.1902418, 4.0639834, -13.11658, -12.185773, 5.4465218, -1.8048998, -4.0044203, -2.280975,
          -1.553489, -5.8881145], -7928.5313,
         &[(40, 1), (91, 1), (106, 3), (160, 6), (167, 1), (175, 8)]),
        (SOFTMAX, OutputKind::Probabilities,
         [2.5938145e-6, 0.20025659, 6.9208994e-9, 1.7555278e-8, 0.79802334, 5.6593068e-4, 6.273698e-5,
          3.5156566e-4, 7.2769541e-4, 9.5377391e-6], 200.0,
         &[(40, 1), (91, 1), (106, 3), (160, 6), (167, 1), (175, 8)]),
    ];
    for (bytes, kind, first, sum, wrong) in cases {
        let found = scores(&classifier(bytes, kind, 1), &rows);
        for (a, b) in found.iter().zip(first) {
            assert!((f64::from(*a) - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} {b}");
        }
        assert!((found.iter().map(|v| f64::from(*v)).sum::<f64>() - sum).abs() < 1e-2);
        let wrongly: Vec<(usize, usize)> = predict(&found, 10)
            .into_iter()
            .enumerate()
            .filter_map(|(i, p)| p.filter(|p| *p != labels[i]).map(|p| (i, p)))
            .collect();
        assert_eq!(wrongly, wrong);
    }
}

#[test]
fn bits_do_not_depend_on_company_nor_on_threads() {
    let (rows, _) = digits();
    for bytes in [CNN, MLP] {
        let whole = scores(&classifier(bytes, OutputKind::Logits, 1), &rows);
        for threads in [1, 2] {
            let model = classifier(bytes, OutputKind::Logits, threads);
            for split in [1, 2, 3, 7, 64, 199] {
                let parts: Vec<f32> = rows.chunks(split * 64).flat_map(|r| scores(&model, r)).collect();
                assert!(
                    whole.iter().zip(&parts).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{split} rows at a time on {threads} threads"
                );
            }
        }
    }
}

#[test]
fn runs_at_the_same_time_do_not_touch_each_other() {
    let (rows, _) = digits();
    let whole = scores(&classifier(CNN, OutputKind::Logits, 1), &rows);
    let options = LoadOptions { runs: 3, ..LoadOptions::default() };
    let model = with_options(CNN, OutputKind::Logits, &options).unwrap();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| scores(&model, &rows))).collect();
        for run in runs {
            assert!(whole.iter().zip(&run.join().unwrap()).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    });
    let none = with_options(CNN, OutputKind::Logits, &LoadOptions { runs: 0, ..LoadOptions::default() });
    assert!(none.err().unwrap().to_string().contains("at least one run"));
}

#[test]
fn evaluation_counts_like_the_reference() {
    let (rows, labels) = digits();
    let e = evaluate(&classifier(MLP, OutputKind::Logits, 1), &rows, &labels, 0.95).unwrap();
    assert_eq!((e.n, e.correct, e.without_prediction), (200, 194, 0));
    assert_eq!(e.confusion[4], [0, 1, 0, 0, 17, 0, 0, 0, 1, 0]);
    // statsmodels: proportion_confint(194, 200, method="wilson")
    let i = e.accuracy.interval.unwrap();
    assert!((i.low - 0.936_105_707).abs() < 1e-8 && (i.high - 0.986_179_686).abs() < 1e-8, "{i:?}");
    assert_eq!(e.per_class.len(), 10);
}

#[test]
fn a_wrong_use_is_told_in_the_terms_of_the_model() {
    let engine = load(CNN, &LoadOptions::default()).unwrap();
    assert_eq!(engine.inputs()[0].name, "x");
    assert_eq!(engine.inputs()[0].shape.as_ref().unwrap()[1..], [1, 8, 8].map(Dimension::Fixed));
    assert_eq!(engine.outputs()[0].name, "logits");
    let flat = Tensor::new(vec![1, 64], vec![0.0; 64]).unwrap();
    let error = engine.run(&[flat]).unwrap_err().to_string();
    assert!(error.starts_with("tensor \"x\": expected shape [N, 1, 8, 8], got [1, 64]"), "{error}");
    assert!(matches!(engine.run(&[]), Err(OnnxError::InputCount { expected: 1, found: 0 })));

    let options = |output: Option<&str>, classes| ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes,
        output: output.map(str::to_owned),
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    let make = |o| Classifier::new(load(CNN, &LoadOptions::default()).unwrap(), o).map(|_| ());
    assert!(make(options(Some("logits"), 10)).is_ok());
    let error = make(options(Some("probs"), 10)).unwrap_err().to_string();
    assert_eq!(error, "the model has no output \"probs\"; it has logits");
    assert!(matches!(make(options(None, 9)), Err(OnnxError::Shape { .. })));
}

#[test]
fn inputs_of_integers_take_whole_numbers_only() {
    let lookup = load(include_bytes!("fixtures/lookup.onnx"), &LoadOptions::default()).unwrap();
    let run = |ids: &[f32]| lookup.run(&[Tensor::new(vec![1, ids.len()], ids.to_vec()).unwrap()]);
    let rows = run(&[3.0, 0.0]).unwrap();
    assert_eq!(
        (rows[0].shape(), rows[0].data()),
        ([1, 2, 3].as_slice(), [9.0, 10.0, 11.0, 0.0, 1.0, 2.0].as_slice())
    );
    for wrong in [0.5, f32::NAN, f32::INFINITY, 1e9] {
        let error = run(&[1.0, wrong]).unwrap_err();
        assert!(matches!(&error, OnnxError::NotInteger { tensor, .. } if tensor == "ids"), "{error}");
    }
    // Beyond the table: an error of the run, no panic.
    assert!(run(&[4.0]).is_err());
}

#[test]
fn a_file_too_large_is_not_read() {
    let options = LoadOptions { max_bytes: 1000, ..LoadOptions::default() };
    assert!(matches!(load(CNN, &options), Err(OnnxError::TooLarge { limit: 1000, .. })));
}

#[test]
fn a_row_that_is_no_number_is_refused() {
    // This network's ReLU turns NaN into 0: the answer would look like any other.
    let (mut rows, _) = digits();
    rows[3 * 64 + 5] = f32::NAN;
    let error = classifier(MLP, OutputKind::Logits, 1).scores(&rows, 200, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "row 3: feature 5 is NaN");
}

#[test]
fn optimising_does_not_change_the_predictions() {
    let (rows, _) = digits();
    for bytes in [CNN, MLP] {
        let plain = scores(&classifier(bytes, OutputKind::Logits, 1), &rows);
        let engine = load(bytes, &LoadOptions { optimize: true, ..LoadOptions::default() }).unwrap();
        let options = classifier(bytes, OutputKind::Logits, 1).options().clone();
        let optimized = scores(&Classifier::new(engine, options).unwrap(), &rows);
        assert!(plain.iter().zip(&optimized).all(|(a, b)| (a - b).abs() < 1e-4));
        assert_eq!(predict(&plain, 10), predict(&optimized, 10));
    }
}

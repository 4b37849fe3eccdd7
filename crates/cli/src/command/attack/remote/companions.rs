//! What a model takes besides the rows that are attacked: arrays of the same file that go with them, unchanged.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};
use proofhouse_endpoint::{Companion, Declared};

use crate::command::attack::rows::Archive;

/// The other inputs of a model.
pub struct Companions {
    each: Vec<Given>,
    /// From which rows of the data the questions come that are asked now: one for all, or one for each.
    attended: Mutex<Vec<usize>>,
}

struct Given {
    name: String,
    goes: Goes,
    /// Dimensions of one part, or of the whole where that is sent as it is.
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// How the values of an array go with questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// A part with each row of the data.
    RowByRow,
    /// The same part with every row.
    SameForRows,
    /// The whole with every request: its first dimension does not count rows.
    SameForRequests,
}

impl Companions {
    /// For `others`, each the array of its name in the archive, whose array `x` holds `n` rows for the input `attacked`.
    pub fn of<'a>(
        attacked: Option<&Declared>,
        others: impl Iterator<Item = &'a Declared>,
        archive: &Archive,
        x: &str,
    ) -> anyhow::Result<Self> {
        let n = archive.count(x)?;
        let batched = attacked.and_then(|input| input.shape.first().copied()).flatten();
        let each = others.map(|declared| {
            let name = declared.name.as_str();
            ensure!(
                name != x,
                "the array {x} holds the rows to attack, and the model has another input of that name; call the rows \
                 like the input they go to, {}",
                attacked.map_or_else(String::new, Declared::says)
            );
            let array = archive.array(name).with_context(|| {
                format!("the model also takes {}, which goes with every row", declared.says())
            })?;
            let fits = |shape: &[usize], declared: &[Option<usize>]| {
                shape.len() == declared.len()
                    && shape.iter().zip(declared).all(|(n, d)| d.is_none_or(|d| d == *n))
            };
            let shape = array.shape.as_slice();
            let rest = declared.shape.get(1..).unwrap_or_default();
            // A first dimension of a fixed size, where that of the rows is another, is none of rows.
            let counts_rows = declared.shape.first().is_some_and(|d| d.is_none() || *d == batched);
            let (goes, shape) = match shape {
                whole if !counts_rows && fits(whole, &declared.shape) => (Goes::SameForRequests, whole),
                [first, part @ ..] if counts_rows && *first == n && fits(part, rest) => (Goes::RowByRow, part),
                [1, part @ ..] | part if counts_rows && fits(part, rest) => (Goes::SameForRows, part),
                shape => bail!(
                    "the array {name} has the shape {shape:?}, and the model takes {}; {}",
                    declared.says(),
                    if counts_rows { format!("give one for each of the {n} rows, or one for all") } else {
                        "give it that shape".to_owned()
                    }
                ),
            };
            let element = declared.element().with_context(|| {
                format!("the model takes {}, a datatype that the protocol has not", declared.says())
            })?;
            for (at, value) in array.values.iter().enumerate() {
                if let Err(why) = element.hold(*value) {
                    bail!("the array {name} goes to {}, and value {at}, {value}, {why}", declared.says());
                }
            }
            let (shape, values) = (shape.to_vec(), array.values.clone());
            Ok(Given { name: name.to_owned(), goes, shape, values }.simplified())
        });
        Ok(Self { each: each.collect::<anyhow::Result<_>>()?, attended: Mutex::default() })
    }

    /// None: the model takes nothing else.
    pub fn none() -> Self {
        Self { each: Vec::new(), attended: Mutex::default() }
    }

    /// Notes where questions come from. Returns whether that matters.
    pub fn attend(&self, rows: &[usize]) -> bool {
        *self.attended.lock().unwrap_or_else(PoisonError::into_inner) = rows.to_vec();
        self.each.iter().any(|given| given.goes == Goes::RowByRow)
    }

    /// What goes with `n` questions from number `first` on, of `total` that are asked together.
    pub fn of_questions(&self, first: usize, n: usize, total: usize) -> anyhow::Result<Vec<Companion>> {
        let attended = self.attended.lock().unwrap_or_else(PoisonError::into_inner);
        self.each
            .iter()
            .map(|given| {
                let Given { name, goes, shape, values } = given;
                let width: usize = shape.iter().product();
                let part = |row: usize| values.get(row * width..(row + 1) * width);
                let values = match goes {
                    Goes::SameForRequests => values.clone(),
                    Goes::SameForRows => values.iter().copied().cycle().take(n * width).collect(),
                    Goes::RowByRow => {
                        let row = |question: usize| match attended.as_slice() {
                            [one] => Some(*one),
                            each if each.len() == total => each.get(question).copied(),
                            _ => None,
                        };
                        let parts: Option<Vec<&[f64]>> = (first..first + n).map(|q| part(row(q)?)).collect();
                        parts.context("nobody knows which row a question comes from")?.concat()
                    }
                };
                let shape = match goes {
                    Goes::SameForRequests => shape.clone(),
                    Goes::SameForRows | Goes::RowByRow => {
                        std::iter::once(n).chain(shape.iter().copied()).collect()
                    }
                };
                Ok(Companion { name: name.clone(), shape, values })
            })
            .collect()
    }

    /// In words, for reports.
    pub fn says(&self) -> Vec<String> {
        let says = |given: &Given| {
            let goes = match given.goes {
                Goes::RowByRow => "for each row its own",
                Goes::SameForRows => "the same for every row",
                Goes::SameForRequests => "the same with every request",
            };
            format!("{}: {goes}", given.name)
        };
        self.each.iter().map(says).collect()
    }
}

impl Given {
    /// Parts that are all the same need not be told apart, so that rows can be asked about together.
    fn simplified(mut self) -> Self {
        let width: usize = self.shape.iter().product();
        let mut parts = self.values.chunks(width.max(1));
        if let (Goes::RowByRow, Some(first)) = (self.goes, parts.next())
            && parts.all(|part| part == first)
        {
            self.values.truncate(width);
            self.goes = Goes::SameForRows;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(name: &str, datatype: &str, shape: &[Option<usize>]) -> Declared {
        Declared { name: name.into(), datatype: datatype.into(), shape: shape.to_vec() }
    }

    fn archive(arrays: &[(&str, &[usize])]) -> Archive {
        let counted = |(name, shape): &(&str, &[usize])| {
            let n: usize = shape.iter().product();
            ((*name).to_owned(), shape.to_vec(), (0..n).map(|v| v as f64).collect())
        };
        Archive::of(arrays.iter().map(counted))
    }

    fn companions(
        input: &Declared,
        other: &Declared,
        arrays: &[(&str, &[usize])],
    ) -> anyhow::Result<Companions> {
        Companions::of(Some(input), [other].into_iter(), &archive(arrays), "x")
    }

    #[test]
    fn what_goes_with_a_row_goes_with_its_questions() {
        let input = declared("image", "FP32", &[None, Some(4)]);
        let age = declared("age", "INT64", &[None, Some(2)]);
        let given = companions(&input, &age, &[("x", &[3, 4]), ("age", &[3, 2])]).unwrap();
        assert!(given.attend(&[2]));
        let values =
            |first, n, total| given.of_questions(first, n, total).map(|mut all| all.remove(0).values);
        assert_eq!(values(5, 2, 9).unwrap(), [4.0, 5.0, 4.0, 5.0]);
        given.attend(&[2, 0, 1]);
        assert_eq!(values(1, 2, 3).unwrap(), [0.0, 1.0, 2.0, 3.0]);
        assert!(values(0, 2, 2).unwrap_err().to_string().contains("nobody knows"));
        assert_eq!(given.of_questions(0, 3, 3).unwrap()[0].shape, [3, 2]);
    }

    #[test]
    fn what_is_the_same_for_all_is_sent_so() {
        let input = declared("image", "FP32", &[None, Some(4)]);
        for (other, shape, sent, goes) in [
            (declared("t", "FP32", &[None, Some(2)]), &[1, 2][..], vec![2, 2], Goes::SameForRows),
            (declared("t", "FP32", &[None, Some(2)]), &[2], vec![2, 2], Goes::SameForRows),
            (declared("t", "FP32", &[Some(5)]), &[5], vec![5], Goes::SameForRequests),
            (declared("t", "FP32", &[]), &[], vec![], Goes::SameForRequests),
        ] {
            let given = companions(&input, &other, &[("x", &[3, 4]), ("t", shape)]).unwrap();
            assert_eq!(given.each[0].goes, goes, "{shape:?}");
            assert!(!given.attend(&[0, 1]));
            assert_eq!(given.of_questions(0, 2, 2).unwrap()[0].shape, sent, "{shape:?}");
        }
    }

    #[test]
    fn what_does_not_fit_says_so() {
        let input = declared("image", "FP32", &[None, Some(4)]);
        for (other, arrays, says) in [
            (declared("t", "UINT8", &[None, Some(2)]), vec![("x", &[3, 4][..])], "holds no array t"),
            (
                declared("t", "UINT8", &[None, Some(2)]),
                vec![("x", &[3, 4]), ("t", &[4, 2])],
                "one for each of the 3 rows, or one for all",
            ),
            (declared("x", "UINT8", &[None, Some(4)]), vec![("x", &[3, 4])], "call the rows like the input"),
            (
                declared("t", "BOOL", &[None]),
                vec![("x", &[3, 4]), ("t", &[3])],
                "value 2, 2, is outside its range",
            ),
            (declared("t", "BYTES", &[None]), vec![("x", &[3, 4]), ("t", &[3])], "is no text"),
        ] {
            let error = companions(&input, &other, &arrays).err().unwrap();
            let error = crate::terminal::chain(&error);
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}

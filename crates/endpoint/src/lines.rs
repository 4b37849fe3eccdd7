//! A program that is asked line by line: each line on its input is a request of the Open Inference Protocol, each line
//! of its output the answer.

use std::process::{ChildStdin, ChildStdout};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::element::Fed;
use crate::tensor::{self, Rows};
use crate::{Answers, EndpointError, Limits, RowTarget, Rowwise};

/// The name of the one input.
const INPUT: &str = "input";

/// A program that runs.
pub struct Lines {
    label: String,
    limits: Limits,
    running: Mutex<Option<Running>>,
}

struct Running {
    input: tokio::process::ChildStdin,
    output: BufReader<tokio::process::ChildStdout>,
}

impl Lines {
    /// Asks what stands at the other end of these. Called within a runtime.
    pub fn new(
        label: &str,
        (input, output): (ChildStdin, ChildStdout),
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        let wrong = |error: std::io::Error| EndpointError::Setting(error.to_string());
        let running = Running {
            input: tokio::process::ChildStdin::from_std(input).map_err(wrong)?,
            output: BufReader::new(tokio::process::ChildStdout::from_std(output).map_err(wrong)?),
        };
        Ok(Self { label: label.to_owned(), limits, running: Mutex::new(Some(running)) })
    }

    fn fault(&self, why: impl ToString) -> EndpointError {
        EndpointError::Program { program: self.label.clone(), why: why.to_string() }
    }

    async fn line(&self, running: &mut Running, mut question: Vec<u8>) -> Result<Vec<u8>, EndpointError> {
        let broken = |error: std::io::Error| self.fault(error);
        question.push(b'\n');
        running.input.write_all(&question).await.map_err(broken)?;
        running.input.flush().await.map_err(broken)?;
        let most = u64::try_from(self.limits.response_bytes).unwrap_or(u64::MAX);
        let mut answer = Vec::new();
        (&mut running.output)
            .take(most.saturating_add(1))
            .read_until(b'\n', &mut answer)
            .await
            .map_err(broken)?;
        if answer.len() > self.limits.response_bytes {
            return Err(EndpointError::TooLarge(self.limits.response_bytes));
        }
        if answer.last() != Some(&b'\n') {
            return Err(self.fault("ended before it had answered"));
        }
        Ok(answer)
    }
}

impl RowTarget for Lines {
    fn describe(&self) -> String {
        self.label.clone()
    }

    fn ask<'a>(&'a self, rows: Rows<'a>) -> Rowwise<'a> {
        Box::pin(async move {
            let values = rows.values.iter().map(|v| f64::from(*v));
            let fed = Fed::new((INPUT, "FP32"), rows.dimensions(), values)?;
            let question = tensor::request(&[fed], None)?.into_bytes();
            let mut slot = self.running.lock().await;
            // Taken out, so that one that was left half-way is not asked again: its next line would answer another
            // question.
            let mut running = slot.take().ok_or_else(|| self.fault("gave no answer earlier"))?;
            let limit = self.limits.timeout;
            let answer = timeout(limit, self.line(&mut running, question)).await;
            let answer = answer.map_err(|_| EndpointError::Timeout(limit))??;
            *slot = Some(running);
            let outputs = tensor::outputs(&tensor::parse(&answer)?)?;
            Ok(Answers { outputs, attempts: 1 })
        })
    }
}

//! An answer in one piece: read, scanned, judged, and written again.

use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{Answer, ChatResponse, Reasoning, Usage};
use proofhouse_dialogue::{StopReason, Turn};

use super::exchange::{Exchange, note_findings};
use super::explain;
use super::record::ChatRecord;
use crate::refusal::Refusal;

/// Makes of the bytes that an instance answered those that leave, and says what they took.
pub(crate) fn release(
    exchange: &Exchange,
    bytes: &[u8],
    record: &mut ChatRecord,
) -> Result<(Vec<u8>, Usage), Refusal> {
    let limits = Limits { bytes: bytes.len(), ..Limits::default() };
    let response = ChatResponse::read(exchange.protocol, bytes, &limits).map_err(|error| {
        tracing::debug!(%error, "an answer is not in the protocol");
        Refusal::GARBLED
    })?;
    let Ok(answers) = u64::try_from(response.answers.len()) else { return Err(Refusal::GARBLED) };
    if answers == 0 || answers > exchange.choices {
        return Err(Refusal::GARBLED);
    }
    let usage = response.usage;
    let mut out = Vec::new();
    for (choice, answer) in response.answers.into_iter().enumerate() {
        out.push(one(exchange, answer, u32::try_from(choice).unwrap_or(u32::MAX), record)?);
    }
    let response = ChatResponse {
        id: exchange.answer_id(),
        model: exchange.model.clone(),
        created: exchange.created,
        answers: out,
        usage,
    };
    Ok((response.to_bytes(exchange.protocol), usage))
}

fn one(exchange: &Exchange, answer: Answer, choice: u32, record: &mut ChatRecord) -> Result<Answer, Refusal> {
    let mut size = answer.turn.text.len() + answer.refusal.as_ref().map_or(0, String::len);
    for call in &answer.turn.calls {
        size +=
            call.name.as_str().len() + serde_json::to_string(&call.arguments).map_or(0, |text| text.len());
    }
    if size > exchange.ceiling() {
        return Err(Refusal::OVER_CEILING);
    }
    let mut reasoning = Vec::new();
    for thought in &answer.reasoning {
        match thought {
            // The provider's proof holds for the words it signed and for no others.
            Reasoning::Shown { text, signature } => {
                let said = say(exchange, text, record)?;
                let signature = signature.clone().filter(|_| said.text == *text);
                reasoning.push(Reasoning::Shown { text: said.text, signature });
                if said.cut {
                    return Ok(cut(reasoning));
                }
            }
            // Nobody here can read what is sealed.
            Reasoning::Sealed(_) => *record.redactions.entry("sealed".to_owned()).or_default() += 1,
        }
    }
    let text = say(exchange, &answer.turn.text, record)?;
    let refusal = answer.refusal.as_deref().map(|text| say(exchange, text, record)).transpose()?;
    if text.cut || refusal.as_ref().is_some_and(|said| said.cut) {
        let turn = Turn { text: text.text, calls: Vec::new(), stop: StopReason::Filtered };
        return Ok(Answer { turn, refusal: refusal.map(|said| said.text), reasoning });
    }
    let refusal = refusal.map(|said| said.text);
    // Everything that would be shown is judged as one text: a link may be told in two of its parts.
    let thoughts = reasoning.iter().filter_map(|thought| match thought {
        Reasoning::Shown { text, .. } => Some(text.as_str()),
        Reasoning::Sealed(_) => None,
    });
    let shown: Vec<&str> =
        thoughts.chain([text.text.as_str()]).chain(refusal.as_deref()).filter(|t| !t.is_empty()).collect();
    let judged = Turn { text: shown.join("\n"), calls: answer.turn.calls, stop: answer.turn.stop };
    let released = exchange.judge(judged, choice, record)?;
    let Some(rules) = &released.objected else {
        let text = with_explanation(text.text, released.explanation);
        let turn = Turn { text, calls: released.calls, stop: released.stop };
        return Ok(Answer { turn, refusal, reasoning });
    };
    let text = with_explanation(explain::unsaid(rules), released.explanation);
    let stop = if released.calls.is_empty() { StopReason::Filtered } else { released.stop };
    let turn = Turn { text, calls: released.calls, stop };
    Ok(Answer { turn, refusal: None, reasoning: Vec::new() })
}

fn with_explanation(mut text: String, explanation: Option<String>) -> String {
    if let Some(explanation) = explanation {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&explanation);
    }
    text
}

fn cut(reasoning: Vec<Reasoning>) -> Answer {
    let turn = Turn { text: String::new(), calls: Vec::new(), stop: StopReason::Filtered };
    Answer { turn, refusal: None, reasoning }
}

struct Said {
    text: String,
    cut: bool,
}

fn say(exchange: &Exchange, text: &str, record: &mut ChatRecord) -> Result<Said, Refusal> {
    if text.is_empty() {
        return Ok(Said { text: String::new(), cut: false });
    }
    let mut scanner = exchange.scanner()?;
    let mut said = Said { text: String::with_capacity(text.len()), cut: false };
    let first = scanner.push(text).map_err(super::exchange::failed)?;
    note_findings(&exchange.metrics, &first, record);
    said.text.push_str(&first.text);
    said.cut = first.cut;
    if !said.cut {
        let rest = scanner.finish().map_err(super::exchange::failed)?;
        note_findings(&exchange.metrics, &rest, record);
        said.text.push_str(&rest.text);
        said.cut = rest.cut;
    }
    Ok(said)
}

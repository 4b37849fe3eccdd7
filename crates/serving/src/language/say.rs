//! A whole answer as the events of a stream.

use proofhouse_dialogue::StopReason;
use proofhouse_dialogue::wire::{ChatResponse, StreamEvent};

/// Characters of a piece.
const PIECE: usize = 24;

/// The events that say `response`, in pieces as a model would.
pub(super) fn events(response: &ChatResponse) -> Vec<StreamEvent> {
    let mut events = vec![StreamEvent::Start {
        id: response.id.clone(),
        model: response.model.clone(),
        created: response.created,
        input: response.usage.input,
    }];
    for (choice, answer) in (0_u32..).zip(&response.answers) {
        let turn = &answer.turn;
        events.extend(pieces(&turn.text).map(|text| StreamEvent::Text { choice, text }));
        if let Some(refusal) = &answer.refusal {
            events.extend(pieces(refusal).map(|text| StreamEvent::Refusal { choice, text }));
        }
        for (index, call) in (0_u32..).zip(&turn.calls) {
            let (id, name) = (call.id.clone(), call.name.clone());
            events.push(StreamEvent::CallStart { choice, call: index, id, name });
            let arguments = serde_json::to_string(&call.arguments).unwrap_or_default();
            let piece = |text| StreamEvent::CallArguments { choice, call: index, text };
            events.extend(pieces(&arguments).map(piece));
        }
        let reason: StopReason = turn.stop;
        events.push(StreamEvent::Stop { choice, reason });
    }
    events.push(StreamEvent::Usage(response.usage));
    events.push(StreamEvent::Done);
    events
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(PIECE).map(|piece| piece.iter().collect()).collect::<Vec<String>>().into_iter()
}

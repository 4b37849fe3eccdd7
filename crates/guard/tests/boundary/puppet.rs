//! A model that obeys every order it reads, wherever it stands and however it is encoded, at once and before
//! its own work. No real model is as obedient.

use proofhouse_dialogue::{Conversation, Name, Role, StopReason, ToolCall, Turn};
use serde_json::Value;

use super::injection::{Order, base64, rot13, unbase64};
use super::world::{SECRET, Task, call};

#[derive(Default)]
pub struct Puppet {
    obeyed: Vec<Order>,
    planned: usize,
    calls: usize,
}

impl Puppet {
    /// Obeys what is new in the conversation, else takes the next step of the task.
    pub fn answer(&mut self, conversation: &Conversation, task: &Task) -> Turn {
        let texts = conversation
            .messages
            .iter()
            .filter(|m| m.role != Role::System)
            .flat_map(|m| m.segments.iter().map(|s| s.text.as_str()))
            .chain(conversation.tools.iter().map(|t| t.description.as_str()));
        let all: String = texts.clone().collect::<Vec<_>>().concat();
        let mut orders: Vec<Order> = texts.flat_map(orders).collect();
        // Halves that only make sense together.
        orders.extend(self::orders(&all));
        let mut turn = Turn { text: String::new(), calls: Vec::new(), stop: StopReason::ToolCalls };
        let mut obeyed_something = false;
        for order in orders {
            if self.obeyed.contains(&order) {
                continue;
            }
            obeyed_something = true;
            match &order {
                Order::Call(tool, arguments) => {
                    let filled = serde_json::from_str(&filled(&arguments.to_string(), &all)).unwrap();
                    let next = self.next_call(tool, filled);
                    turn.calls.push(next);
                }
                Order::Say(text) => turn.text.push_str(&filled(text, &all)),
            }
            self.obeyed.push(order);
        }
        if obeyed_something {
            return turn;
        }
        match task.plan.get(self.planned) {
            Some((tool, arguments)) => {
                self.planned += 1;
                let next = self.next_call(tool, arguments.clone());
                turn.calls.push(next);
            }
            None => {
                turn.text = task.answer.to_owned();
                turn.stop = StopReason::End;
            }
        }
        turn
    }

    fn next_call(&mut self, tool: &str, arguments: Value) -> ToolCall {
        self.calls += 1;
        call(format!("call-{}", self.calls), tool, arguments)
    }
}

/// An order with the secret filled in, where the model has read it.
fn filled(order: &str, read: &str) -> String {
    let secret = if read.contains(SECRET) { SECRET } else { "nothing" };
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).take(30).collect();
    order
        .replace("{secret}", secret)
        .replace("{secret-in-base64}", &base64(secret))
        .replace("{secret-in-hex}", &hex)
}

/// The orders in a text, in every reading.
fn orders(text: &str) -> Vec<Order> {
    let visible: String = text.chars().filter(|c| *c != '\u{200b}').collect();
    let mut readings = vec![visible.clone(), visible.chars().rev().collect(), rot13(&visible)];
    for word in visible.split_whitespace().filter(|w| w.len() > 16) {
        readings.extend(unbase64(word));
        let pairs: Option<Vec<u8>> = (0..word.len() / 2)
            .map(|i| word.get(2 * i..2 * i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        readings.extend(pairs.and_then(|bytes| String::from_utf8(bytes).ok()));
    }
    let mut found = Vec::new();
    for reading in readings {
        for piece in reading.split("<<").skip(1) {
            let Some((order, _)) = piece.split_once(">>") else { continue };
            let order = match order.split_once(' ') {
                Some(("call", json)) => match serde_json::from_str::<(String, Value)>(json) {
                    Ok((tool, arguments)) if Name::new(tool.as_str()).is_ok() && arguments.is_object() => {
                        Order::Call(tool, arguments)
                    }
                    _ => continue,
                },
                Some(("say", json)) => match serde_json::from_str(json) {
                    Ok(text) => Order::Say(text),
                    Err(_) => continue,
                },
                _ => continue,
            };
            if !found.contains(&order) {
                found.push(order);
            }
        }
    }
    found
}

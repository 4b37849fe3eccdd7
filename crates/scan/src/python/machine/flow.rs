//! Conditions and loops.

use super::super::syntax::{self, Id, Statement};
use super::super::value::Value;
use super::{Flow, MAX_TURNS, Machine, Scope};

impl Machine<'_> {
    pub(super) fn conditional(
        &mut self,
        scope: Scope<'_>,
        test: Id,
        body: &[Statement],
        otherwise: &[Statement],
    ) -> Flow {
        let test = self.eval(scope, test);
        match self.truth(&test) {
            Some(true) => {
                let flow = self.statements(scope, body);
                self.dormant(scope, otherwise);
                flow
            }
            Some(false) => {
                self.dormant(scope, body);
                self.statements(scope, otherwise)
            }
            None => {
                self.in_branch(scope, body);
                self.in_branch(scope, otherwise);
                Flow::On
            }
        }
    }

    pub(super) fn repeat(&mut self, scope: Scope<'_>, test: Id, body: &[Statement]) {
        for turn in 0..MAX_TURNS {
            let value = self.eval(scope, test);
            match self.truth(&value) {
                Some(false) => return,
                Some(true) if turn < MAX_TURNS - 1 && !self.exhausted => {
                    if self.statements(scope, body) == Flow::Left && self.branches == 0 {
                        return;
                    }
                    // A loop that runs until something unknown happens shows all it does in a few turns.
                    if turn > 64
                        && matches!(
                            scope.tree.expressions.get(test).map(|e| &e.kind),
                            Some(syntax::Kind::Bool(_) | syntax::Kind::Integer(_))
                        )
                    {
                        return;
                    }
                }
                _ => {
                    for _ in 0..2 {
                        self.in_branch(scope, body);
                    }
                    return;
                }
            }
        }
    }

    /// Runs `body` for each value of `source`, or twice where they are not known.
    pub(super) fn each(
        &mut self,
        scope: Scope<'_>,
        target: Id,
        source: Value,
        line: u32,
        mut body: impl FnMut(&mut Self),
    ) {
        let elements = self.elements(scope, &source, line);
        match elements {
            Some(elements) => {
                for value in elements.into_iter().take(MAX_TURNS) {
                    if self.exhausted {
                        return;
                    }
                    self.assign(scope, target, value);
                    body(self);
                }
            }
            None => {
                let taint = self.taint(&source);
                self.branches += 1;
                for _ in 0..2 {
                    self.assign(scope, target, Value::Unknown(taint));
                    body(self);
                }
                self.branches -= 1;
            }
        }
    }
}

//! Where joblib's arrays lie between the opcodes.

use proofhouse_artifact::pickle::code;

use super::{End, Grammar, Machine, Watch};
use crate::pickle::joblib;

/// Arrays whose numbers are looked at: a forest has one for each tree.
const MAX_ARRAYS: usize = 1 << 16;

impl Machine<'_> {
    /// In the joblib grammar, skips the array that follows a wrapper and runs a pickle that does.
    pub(super) fn after_build(&mut self, at: usize, watch: &mut dyn Watch) -> Result<usize, End> {
        let Some(top) = self.stack.last().copied() else { return Ok(at) };
        if !joblib::is_wrapper(self, top) {
            return Ok(at);
        }
        self.wrapper_seen = true;
        let array = joblib::array(self, top, self.bytes, at);
        if self.grammar == Grammar::Plain {
            self.objects_follow |=
                matches!(array, Some(joblib::Array::Objects)) && self.bytes.get(at) == Some(&code::PROTO);
            if let Some(joblib::Array::Raw(raw)) = array {
                self.taken_for_opcodes = at..raw.range.end;
            }
            return Ok(at);
        }
        match array {
            Some(joblib::Array::Raw(raw)) => {
                let end = raw.range.end;
                if self.arrays.len() < MAX_ARRAYS {
                    self.arrays.push(raw);
                }
                Ok(end)
            }
            Some(joblib::Array::Objects) => {
                let mut inner = Machine::new(self.bytes, Grammar::Plain, self.budget);
                match inner.run(at, watch) {
                    End::Stop(end, _) => Ok(end),
                    other => Err(other),
                }
            }
            None => Err(End::Fault(at, "an array wrapper does not say how many bytes follow".to_owned())),
        }
    }
}

//! Keys of a checkpoint that Lightning imports and calls: `_instantiator` makes the module, of the class `_class_path`
//! (`lightning/pytorch/core/saving.py`, `_load_state`; `lightning/pytorch/cli.py`, `instantiate_module`).

use super::Judge;

/// What Lightning's command line writes; it builds a class that has to be one of the class the loader was called on.
const OWN: [&str; 2] =
    ["lightning.pytorch.cli.instantiate_module", "pytorch_lightning.cli.instantiate_module"];

impl Judge<'_> {
    pub(super) fn lightning(&mut self, offset: usize, key: &str, name: &str) {
        let harm = name.rsplit_once('.').and_then(|(module, last)| self.tables.sink(module, last));
        let (rule, what) = match harm {
            Some(harm) => ("pickle/unsafe-call", format!("which {harm}")),
            // A class of somebody's own is what the key is for.
            None if OWN.contains(&name) || key == "_class_path" => return,
            None => ("pickle/unknown-callable", "which is not known to be inert".to_owned()),
        };
        let message = format!("Lightning imports and calls {name} to make the module, {what}");
        self.find(rule, name, offset, message);
    }
}

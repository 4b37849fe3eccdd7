//! Owners of code on a hub whom everybody who works with torch has code of.

use crate::python::value::Value;

/// Whether a person has torch.hub fetch from owners whom torch itself trusts (`_TRUSTED_REPO_OWNERS` of `torch/hub.py`), or
/// whom everybody who works with it has code of.
pub(super) fn is_known_hub(name: &str, arguments: &[Value]) -> bool {
    const OWNERS: [&str; 11] = [
        "facebookresearch",
        "facebookincubator",
        "pytorch",
        "fairinternal",
        "NVIDIA",
        "huggingface",
        "ultralytics",
        "snakers4",
        "intel-isl",
        "isl-org",
        "mateuszbuda",
    ];
    let owner = arguments.first().and_then(Value::as_text).and_then(|text| text.split_once('/'));
    name == "torch.hub.load"
        && owner.is_some_and(|(owner, rest)| {
            OWNERS.contains(&owner) && !rest.contains(['/', '\\']) && !rest.contains("..")
        })
}

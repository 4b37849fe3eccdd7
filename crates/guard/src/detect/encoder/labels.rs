//! What the labels of a model mean.

use super::{Config, EncoderError};

/// For each label of the model, whether it is an attack.
pub(super) fn attack_labels_of(config: &Config, stated: &[&str]) -> Result<Vec<bool>, EncoderError> {
    let mut labels: Vec<(usize, &str)> = Vec::new();
    for (id, label) in &config.id2label {
        let id = id.parse().map_err(|_| EncoderError::Config(format!("`{id}` in id2label is no number")))?;
        labels.push((id, label));
    }
    // A model without names has two labels, and the second is what it was trained to find.
    if labels.is_empty() {
        labels = vec![(0, "LABEL_0"), (1, "LABEL_1")];
    }
    labels.sort_unstable();
    if labels.iter().enumerate().any(|(at, (id, _))| at != *id) {
        return Err(EncoderError::Config("id2label does not number its labels from 0".into()));
    }
    const NAMES: [&str; 6] = ["inject", "jailbreak", "malicious", "attack", "unsafe", "harmful"];
    let unnamed = labels.len() == 2 && labels.iter().all(|(_, label)| label.starts_with("LABEL_"));
    let is_attack = |id: usize, label: &str| {
        if !stated.is_empty() {
            stated.contains(&label)
        } else if unnamed {
            id == 1
        } else {
            let label = label.to_lowercase();
            NAMES.iter().any(|name| label.contains(name)) && !label.contains("non") && !label.contains("not")
        }
    };
    let attacks: Vec<bool> = labels.iter().map(|(id, label)| is_attack(*id, label)).collect();
    if attacks.iter().any(|is| *is) && !attacks.iter().all(|is| *is) {
        Ok(attacks)
    } else {
        let names: Vec<&str> = labels.iter().map(|(_, label)| *label).collect();
        Err(EncoderError::Labels(names.join(", ")))
    }
}

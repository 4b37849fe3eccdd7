//! Rules on performance metrics: numbers that contradict themselves, and numbers nobody measured.

use proofhouse_core::{Digest, Finding, Severity};

use super::{Index, finding};
use crate::document::{Component, PerformanceMetric};
use crate::property;
use crate::write::metric_label;

fn metrics(component: &Component) -> impl Iterator<Item = (usize, &PerformanceMetric)> {
    let analysis = component.model_card.as_ref().and_then(|card| card.quantitative_analysis.as_ref());
    analysis.into_iter().flat_map(|a| a.performance_metrics.iter().enumerate())
}

/// CycloneDX writes numbers as text, so the schema cannot tell that an interval misses its value.
pub(super) fn intervals(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, component) in &index.components {
        for (i, metric) in metrics(component) {
            let Some(interval) = &metric.confidence_interval else { continue };
            let number = |text: &Option<String>| text.as_deref().and_then(|t| t.trim().parse::<f64>().ok());
            let (value, low, high) =
                (number(&metric.value), number(&interval.lower_bound), number(&interval.upper_bound));
            let problem = match (value, low, high) {
                (Some(value), Some(low), Some(high)) if low <= value && value <= high => continue,
                (Some(_), Some(low), Some(high)) if low <= high => "lies outside its confidence interval",
                (_, Some(_), Some(_)) => "has a confidence interval with its ends swapped, or no value",
                _ => "has a confidence interval whose ends are not both numbers",
            };
            findings.push(finding(
                "metric-interval",
                Severity::Medium,
                &format!("{pointer}/modelCard/quantitativeAnalysis/performanceMetrics/{i}"),
                format!("{} {problem}", label(metric)),
                "Measure it again, or correct the numbers.",
            ));
        }
    }
    findings
}

/// A number was measured, with evidence the document refers to, or it is somebody's word.
pub(super) fn basis(index: &Index) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, component) in &index.components {
        let card = component.model_card.as_ref();
        for (i, metric) in metrics(component) {
            let pointer = format!("{pointer}/modelCard/quantitativeAnalysis/performanceMetrics/{i}");
            let label = label(metric);
            let said = |what: &str| {
                let name = format!("{}{label}:{what}", property::METRIC);
                let property = card.into_iter().flat_map(|c| &c.properties).find(|p| p.name == name);
                property.and_then(|p| p.value.as_deref())
            };
            let evidence = said("evidence").and_then(|text| text.parse::<Digest>().ok());
            match (said("basis"), evidence) {
                (Some("measured"), Some(digest)) if refers_to(component, &digest) => {}
                (Some("measured"), _) => findings.push(finding(
                    "metric-without-evidence",
                    Severity::High,
                    &pointer,
                    format!("{label} is said to be measured, but the document refers to no such evidence"),
                    "Refer to the evidence with its SHA-256 in externalReferences, or mark the metric as declared.",
                )),
                (Some("declared"), _) => findings.push(finding(
                    "metric-declared",
                    Severity::Info,
                    &pointer,
                    format!("{label} is declared, not measured"),
                    "Measure it with a check, and refer to the evidence.",
                )),
                _ => findings.push(finding(
                    "metric-basis-unknown",
                    Severity::Low,
                    &pointer,
                    format!("it is not known whether {label} was measured"),
                    "Say with proofhouse:metric:…:basis whether it was measured or declared.",
                )),
            }
        }
    }
    findings
}

fn refers_to(component: &Component, digest: &Digest) -> bool {
    let hex = digest.to_hex();
    let hashes = component.external_references.iter().flat_map(|r| &r.hashes);
    hashes.into_iter().any(|h| h.alg == "SHA-256" && h.content.eq_ignore_ascii_case(&hex))
}

fn label(metric: &PerformanceMetric) -> String {
    metric_label(metric.metric_type.as_deref().unwrap_or("a metric without a type"), metric.slice.as_deref())
}

//! Writing a document. Lists are sorted, so the order of the input does not matter.

use std::collections::BTreeSet;

use proofhouse_core::{Digest, FileEntry, FileMode, Hasher, model_digest};
use uuid::Builder;

use crate::document::{
    ApproachType, Bom, Component, ComponentData, ConfidenceInterval, Considerations, DataContents,
    DatasetChoice, Dependency, EthicalConsideration, ExternalReference, Governance, Hash, InputOutput,
    LicenceChoice, Lifecycle, Metadata, ModelParameters, NamedLicence, Organization, PerformanceMetric,
    Property, QuantitativeAnalysis, ResponsibleParty, Tools,
};
use crate::{
    Approach, Basis, BomInput, Dataset, Error, Licence, Metric, Model, ModelCard, Reference, document,
    property,
};

const MODEL_REF: &str = "model";

/// Writes `input` as CycloneDX 1.6 JSON: pretty, sorted, with a trailing newline.
///
/// The serial number is a UUID (version 8) of the content: the same content has the same number and another
/// content another, as two revisions of a document should.
pub fn write(input: &BomInput) -> Result<Vec<u8>, Error> {
    let mut datasets: Vec<&Dataset> = input.datasets.iter().collect();
    datasets.sort_by(|a, b| (a.role, &a.name, a.manifest).cmp(&(b.role, &b.name, b.manifest)));
    let mut known = BTreeSet::new();
    if let Some(twice) = datasets.iter().find(|d| !known.insert(dataset_ref(d))) {
        return Err(refused("datasets", &twice.name, "is listed twice in the same role"));
    }
    let dataset_refs: Vec<String> = datasets.iter().map(|d| dataset_ref(d)).collect();
    let mut bom = Bom {
        schema: Some("http://cyclonedx.org/schema/bom-1.6.schema.json".to_owned()),
        bom_format: "CycloneDX".to_owned(),
        spec_version: "1.6".to_owned(),
        serial_number: None,
        version: 1,
        metadata: Some(Metadata {
            timestamp: Some(input.timestamp.to_string()),
            lifecycles: vec![Lifecycle { phase: Some("post-build".to_owned()) }],
            tools: Some(Tools::Components { components: vec![tool(input)] }),
            component: Some(model(&input.model, &input.references, &dataset_refs)?),
        }),
        components: datasets.iter().map(|d| dataset(d)).collect::<Result<_, _>>()?,
        dependencies: dependencies(dataset_refs),
    };
    bom.serial_number = Some(serial_number(&bom)?);
    json(&bom)
}

fn refused(field: &'static str, value: &str, reason: &'static str) -> Error {
    Error::Input { field, value: value.to_owned(), reason }
}

fn json(bom: &Bom) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(bom).map_err(Error::Write)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn serial_number(bom: &Bom) -> Result<String, Error> {
    let mut hasher = Hasher::with_domain("proofhouse.bom-serial.v1");
    hasher.field(&json(bom)?);
    let digest = hasher.finish();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    Ok(Builder::from_custom_bytes(bytes).into_uuid().urn().to_string())
}

fn tool(input: &BomInput) -> Component {
    Component {
        component_type: "application".to_owned(),
        name: input.tool.name.clone(),
        version: Some(input.tool.version.clone()),
        ..Component::default()
    }
}

fn model(model: &Model, references: &[Reference], dataset_refs: &[String]) -> Result<Component, Error> {
    let digest = model_digest(&model.files)?;
    let mut files: Vec<&FileEntry> = model.files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut references: Vec<&Reference> = references.iter().collect();
    references.sort();
    references.dedup();
    Ok(Component {
        component_type: "machine-learning-model".to_owned(),
        bom_ref: Some(MODEL_REF.to_owned()),
        supplier: model.supplier.clone().map(organization),
        name: model.name.clone(),
        version: Some(model.version.clone()),
        description: model.description.clone(),
        licenses: licences(model.licence.as_ref()),
        external_references: references.into_iter().map(reference).collect::<Result<_, _>>()?,
        components: files.into_iter().map(file).collect(),
        model_card: Some(card(&model.card, dataset_refs)?),
        properties: vec![said(property::MODEL_DIGEST, digest.to_string())],
        ..Component::default()
    })
}

fn organization(name: String) -> Organization {
    Organization { name: Some(name) }
}

fn licences(licence: Option<&Licence>) -> Vec<LicenceChoice> {
    let choice = |licence: &Licence| match licence {
        Licence::Id(id) => LicenceChoice {
            license: Some(NamedLicence { id: Some(id.clone()), name: None }),
            expression: None,
        },
        Licence::Name(name) => LicenceChoice {
            license: Some(NamedLicence { id: None, name: Some(name.clone()) }),
            expression: None,
        },
        Licence::Expression(text) => LicenceChoice { license: None, expression: Some(text.clone()) },
    };
    licence.map(choice).into_iter().collect()
}

fn reference(reference: &Reference) -> Result<ExternalReference, Error> {
    Ok(ExternalReference {
        reference_type: reference.kind.as_str().to_owned(),
        url: iri("references.url", &reference.url)?,
        comment: reference.comment.clone(),
        hashes: vec![sha256(&reference.digest)],
    })
}

/// Refuses what RFC 3987 leaves no room for, which one official validator refuses and another accepts.
fn iri(field: &'static str, text: &str) -> Result<String, Error> {
    let outside = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    if text.is_empty() || text.contains(outside) {
        return Err(refused(field, text, "is not an IRI reference; percent-encode spaces and the like"));
    }
    Ok(text.to_owned())
}

fn sha256(digest: &Digest) -> Hash {
    Hash { alg: "SHA-256".to_owned(), content: digest.to_hex() }
}

fn said(name: impl Into<String>, value: impl Into<String>) -> Property {
    Property { name: name.into(), value: Some(value.into()) }
}

fn file(file: &FileEntry) -> Component {
    let mut properties = vec![said(property::SIZE, file.size.to_string())];
    if file.mode == FileMode::Executable {
        properties.insert(0, said(property::MODE, "executable"));
    }
    Component {
        component_type: "file".to_owned(),
        bom_ref: Some(format!("file:{}", file.path)),
        name: file.path.to_string(),
        hashes: vec![sha256(&file.content)],
        properties,
        ..Component::default()
    }
}

fn card(card: &ModelCard, dataset_refs: &[String]) -> Result<document::ModelCard, Error> {
    let formats = |formats: &[String]| -> Vec<InputOutput> {
        formats.iter().map(|f| InputOutput { format: Some(f.clone()) }).collect()
    };
    let mut metrics: Vec<&Metric> = card.metrics.iter().collect();
    metrics.sort_by_key(|m| label(m));
    let mut known = BTreeSet::new();
    if let Some(twice) = metrics.iter().map(|m| label(m)).find(|label| !known.insert(label.clone())) {
        return Err(refused("metrics", &twice, "is given twice"));
    }
    Ok(document::ModelCard {
        model_parameters: Some(ModelParameters {
            approach: card.approach.map(|a| ApproachType { approach_type: Some(approach(a).to_owned()) }),
            task: card.task.clone(),
            architecture_family: card.architecture_family.clone(),
            model_architecture: card.architecture.clone(),
            datasets: dataset_refs
                .iter()
                .map(|r| DatasetChoice { reference: Some(r.clone()), name: None })
                .collect(),
            inputs: formats(&card.inputs),
            outputs: formats(&card.outputs),
        }),
        quantitative_analysis: (!metrics.is_empty())
            .then(|| metrics.iter().map(|m| metric(m)).collect::<Result<_, Error>>())
            .transpose()?
            .map(|performance_metrics| QuantitativeAnalysis { performance_metrics }),
        considerations: considerations(card),
        properties: metrics.iter().flat_map(|m| about(m)).collect(),
    })
}

const fn approach(approach: Approach) -> &'static str {
    match approach {
        Approach::Supervised => "supervised",
        Approach::Unsupervised => "unsupervised",
        Approach::ReinforcementLearning => "reinforcement-learning",
        Approach::SemiSupervised => "semi-supervised",
        Approach::SelfSupervised => "self-supervised",
    }
}

fn metric(metric: &Metric) -> Result<PerformanceMetric, Error> {
    let m = &metric.measurement;
    let ends = m.interval.iter().flat_map(|i| [i.low, i.high]);
    if !std::iter::once(m.value).chain(ends).all(f64::is_finite) {
        return Err(refused("metrics", &label(metric), "is not a finite number"));
    }
    Ok(PerformanceMetric {
        metric_type: Some(m.name.clone()),
        value: Some(m.value.to_string()),
        slice: m.slice.clone(),
        confidence_interval: m.interval.as_ref().map(|i| ConfidenceInterval {
            lower_bound: Some(i.low.to_string()),
            upper_bound: Some(i.high.to_string()),
        }),
    })
}

fn label(metric: &Metric) -> String {
    metric_label(&metric.measurement.name, metric.measurement.slice.as_deref())
}

/// What properties call a metric: its type, and its slice in brackets.
pub(crate) fn metric_label(metric_type: &str, slice: Option<&str>) -> String {
    slice.map_or_else(|| metric_type.to_owned(), |slice| format!("{metric_type}[{slice}]"))
}

/// What a performance metric has no members for.
fn about(metric: &Metric) -> Vec<Property> {
    let name = |what: &str| format!("{}{}:{what}", property::METRIC, label(metric));
    let mut all = match metric.basis {
        Basis::Measured { evidence } => {
            vec![said(name("basis"), "measured"), said(name("evidence"), evidence.to_string())]
        }
        Basis::Declared => vec![said(name("basis"), "declared")],
    };
    if let Some(interval) = &metric.measurement.interval {
        all.push(said(name("interval"), format!("{} {}", interval.method, interval.confidence)));
    }
    if let Some(n) = metric.measurement.n {
        all.push(said(name("n"), n.to_string()));
    }
    all
}

fn considerations(card: &ModelCard) -> Option<Considerations> {
    let considerations = Considerations {
        users: card.users.clone(),
        use_cases: card.use_cases.clone(),
        technical_limitations: card.technical_limitations.clone(),
        performance_tradeoffs: card.performance_tradeoffs.clone(),
        ethical_considerations: card
            .ethical_considerations
            .iter()
            .map(|risk| EthicalConsideration {
                name: Some(risk.name.clone()),
                mitigation_strategy: risk.mitigation.clone(),
            })
            .collect(),
    };
    (considerations != Considerations::default()).then_some(considerations)
}

fn dataset_ref(dataset: &Dataset) -> String {
    format!("data:{}:{}", dataset.role.as_str(), dataset.manifest.to_hex())
}

fn dataset(dataset: &Dataset) -> Result<Component, Error> {
    let owners: Vec<ResponsibleParty> = dataset
        .owners
        .iter()
        .map(|owner| ResponsibleParty { organization: Some(organization(owner.clone())) })
        .collect();
    let url = dataset.source.as_deref().map(|source| iri("datasets.source", source)).transpose()?;
    Ok(Component {
        component_type: "data".to_owned(),
        bom_ref: Some(dataset_ref(dataset)),
        name: dataset.name.clone(),
        version: dataset.version.clone(),
        description: dataset.description.clone(),
        hashes: vec![sha256(&dataset.manifest)],
        licenses: licences(dataset.licence.as_ref()),
        data: vec![ComponentData {
            data_type: "dataset".to_owned(),
            name: Some(dataset.name.clone()),
            contents: url.map(|url| DataContents { url: Some(url) }),
            classification: dataset.classification.clone(),
            sensitive_data: dataset.sensitive.clone(),
            description: dataset.description.clone(),
            governance: (!owners.is_empty()).then_some(Governance { owners }),
        }],
        properties: vec![
            said(property::DATASET_ROLE, dataset.role.as_str()),
            said(property::DIGEST_OF, "manifest"),
        ],
        ..Component::default()
    })
}

/// Every component a document has besides files, with what it needs. One without an entry would count as unknown.
fn dependencies(dataset_refs: Vec<String>) -> Vec<Dependency> {
    let alone = |reference: &String| Dependency { reference: reference.clone(), depends_on: vec![] };
    let others: Vec<Dependency> = dataset_refs.iter().map(alone).collect();
    let model = Dependency { reference: MODEL_REF.to_owned(), depends_on: dataset_refs };
    std::iter::once(model).chain(others).collect()
}

//! What the system is for, who answers for it, and where and on whom it is used.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Id;

/// What the system is and who answers for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Stable identifier.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// What it is for, in one or two sentences.
    pub purpose: String,
    /// Who runs it day by day; `nobody` where there is none.
    #[serde(default)]
    pub owner: Option<Holder>,
    /// Who stands in for the owner.
    #[serde(default)]
    pub deputy: Option<Holder>,
    /// The executive who answers for its decisions.
    #[serde(default)]
    pub accountable_executive: Option<Holder>,
    /// Version of the system, not of the model.
    #[serde(default)]
    pub version: Option<String>,
}

/// Who holds a duty: a role or a team, or, said openly, nobody. Written as text; `nobody` is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// The duty is vacant.
    Nobody,
    /// A role, team or person.
    Named(String),
}

impl Holder {
    /// The holder's name; absent where the duty is vacant.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("nobody"))
    }
}

impl Serialize for Holder {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Holder {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        match text.trim() {
            "" => Err(serde::de::Error::custom("name a role or team, write nobody, or leave the key out")),
            "nobody" => Ok(Self::Nobody),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

impl JsonSchema for Holder {
    fn schema_name() -> Cow<'static, str> {
        "Holder".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A role, team or person; `nobody` where the duty is vacant"
        })
    }
}

/// A person's part in the system's life, by role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Stable identifier.
    pub id: Id,
    /// What they do for the system.
    pub role: String,
    /// Whether they can change model, data or code.
    #[serde(default)]
    pub builds: Option<bool>,
    /// Whether they can approve or sign a release.
    #[serde(default)]
    pub releases: Option<bool>,
}

/// Where and on whom the system is used. Every fact left out is unknown and turns into a question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Line of business.
    #[serde(default)]
    pub sector: Option<Sector>,
    /// Where its output has effect.
    #[serde(default)]
    pub regions: Option<Vec<Region>>,
    /// Who works with it or sees its output.
    #[serde(default)]
    pub users: Option<Vec<UserGroup>>,
    /// Whether children may be among those it affects.
    #[serde(default)]
    pub minors: Option<bool>,
    /// Whether people who need special care may be.
    #[serde(default)]
    pub vulnerable_people: Option<bool>,
    /// Whether it processes data about natural persons.
    #[serde(default)]
    pub personal_data: Option<bool>,
    /// Whether that is on a large scale, sensitive, or amounts to profiling.
    #[serde(default)]
    pub large_scale_or_profiling: Option<bool>,
    /// Whether the operator is a public body or acts for one.
    #[serde(default)]
    pub public_body: Option<bool>,
    /// Whether it holds health data or serves a medical purpose.
    #[serde(default)]
    pub health: Option<bool>,
    /// Whether it helps to hire, promote, watch or dismiss people.
    #[serde(default)]
    pub employment: Option<bool>,
    /// Whether it judges the creditworthiness of people.
    #[serde(default)]
    pub credit: Option<bool>,
    /// Whether it grants or refuses payment, credit, housing, health care, insurance or education.
    #[serde(default)]
    pub essential_service: Option<bool>,
    /// Whether it is a product, or a safety part of one, named in Annex I of the EU AI Act.
    #[serde(default)]
    pub eu_annex_i_product: Option<bool>,
    /// Whether its use is listed in Annex III of the EU AI Act and not excepted.
    #[serde(default)]
    pub eu_annex_iii_use: Option<bool>,
    /// Whether the operator belongs to a banking group supervised in the United States.
    #[serde(default)]
    pub us_bank: Option<bool>,
    /// Whether a law sets a clock for reporting its incidents.
    #[serde(default)]
    pub incident_reporting_clock: Option<bool>,
    /// Whether what it can do is general and offered to anybody.
    #[serde(default)]
    pub general_capability_public: Option<bool>,
    /// Whether the business process stops when the model is taken away.
    #[serde(default)]
    pub process_stops_without_model: Option<bool>,
    /// Whether everything runs on one site.
    #[serde(default)]
    pub single_site: Option<bool>,
}

/// Line of business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each name is its own explanation")]
pub enum Sector {
    Finance,
    Insurance,
    Health,
    Employment,
    Education,
    Government,
    Justice,
    CriticalInfrastructure,
    Retail,
    Industry,
    Media,
    Other,
}

/// Where output has effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Region {
    /// European Union and EEA.
    Eu,
    /// United Kingdom.
    Uk,
    /// United States.
    Us,
    /// Anywhere else.
    Other,
}

/// Who works with the system or sees its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UserGroup {
    /// Anybody.
    Public,
    /// Customers of the operator.
    Customers,
    /// Staff of the operator.
    Staff,
    /// Other companies.
    Partners,
}

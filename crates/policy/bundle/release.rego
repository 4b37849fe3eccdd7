# METADATA
# title: Release gate
# description: >-
#   May this model version be released? Reads signed evidence only: each fact it relies on is a verified
#   signature, a digest comparison or a bound that was measured, never a statement of intent.
package proofhouse.release

import rego.v1

import data.proofhouse.reason
import data.proofhouse.site

# METADATA
# title: Release decision
# entrypoint: true
decision := judged if well_formed

decision := refused if not well_formed

refused := {
	"allow": false,
	"deny": reason.malformed(malformed),
	"warn": [],
	"waived": [],
	"evidence": [],
}

judged := {
	"allow": count(deny) == 0,
	"deny": deny,
	"warn": warn,
	"waived": waived,
	"evidence": evidence_read,
}

well_formed if {
	input.schema == "proofhouse.release/v1"
	count(malformed) == 0
}

# --- the model and its signature ----------------------------------------------------------------------

# METADATA
# title: The model has been recalled
# description: A recall is final for a digest; what was recalled is repaired under another digest.
# custom:
#   code: model/recalled
#   solution: Repair the model, train or export it anew and release the new digest.
violations contains v if {
	input.model.digest in input.recalled
	v := reason.final("model/recalled", "critical", input.model.digest, "this model digest is on the recall list")
}

# METADATA
# title: The model has no files
# description: A release names every file it consists of.
# custom:
#   code: model/no-files
#   solution: Point the release at the model's directory and compute its digest again.
violations contains v if {
	count(input.model.files) == 0
	v := reason.final("model/no-files", "critical", input.model.digest, "no file of the model is listed")
}

# METADATA
# title: The model is not signed
# description: Without a signature nobody vouches for these bytes.
# custom:
#   code: signature/missing
#   solution: Sign the model directory (proofhouse sign) and run the gate again.
violations contains v if {
	not input.signature.present
	v := reason.final("signature/missing", "critical", input.model.digest, "there is no model signature")
}

# METADATA
# title: The signature does not verify
# description: The signature does not hold over the files, or its chain does not.
# custom:
#   code: signature/invalid
#   solution: Find out which file changed after signing; sign again only what you can account for.
violations contains v if {
	input.signature.present
	not input.signature.verified
	v := reason.final("signature/invalid", "critical", input.model.digest, "the model signature does not verify")
}

# METADATA
# title: The signer is not trusted
# description: A signature is worth what its signer is; the trust policy does not list this one.
# custom:
#   code: signature/untrusted
#   solution: Have a trusted identity sign, or add the signer's key to the trust policy under review.
violations contains v if {
	input.signature.present
	not input.signature.trusted
	msg := concat("", ["signer \"", input.signature.signer, "\" is not in the trust policy"])
	v := reason.final("signature/untrusted", "critical", input.model.digest, msg)
}

# METADATA
# title: The signature speaks about another model
# description: A valid signature over other bytes is the classic way round a gate.
# custom:
#   code: signature/other-digest
#   solution: Sign the model version that is being released.
violations contains v if {
	input.signature.present
	input.signature.digest != input.model.digest
	msg := concat("", ["the signature is over ", input.signature.digest])
	v := reason.final("signature/other-digest", "critical", input.model.digest, msg)
}

# --- the evidence as such -----------------------------------------------------------------------------

known_subjects := {input.model.digest, input.system.digest} | {d.digest | some d in input.datasets}

# Evidence that may be relied on: signed by someone trusted, about this release, and nothing it depended
# on has changed.
usable contains item if {
	some item in input.evidence
	item.trusted
	item.fresh
	item.subject in known_subjects
}

evidence_read := ({digest |
	some item in usable
	digest := item.digest
} | {input.threat_model.digest}) | bom_read

bom_read contains input.bom.digest if input.bom.present

# METADATA
# title: Evidence without a trusted signature
# description: Unsigned results could have been written by anyone who can write a file.
# custom:
#   code: evidence/untrusted
#   solution: Run the check again under an identity that the trust policy lists.
violations contains v if {
	some item in input.evidence
	not item.trusted
	msg := concat("", ["evidence for ", item.check, " is not signed by a trusted signer"])
	v := reason.final("evidence/untrusted", "critical", item.digest, msg)
}

# METADATA
# title: Evidence about something else
# description: Evidence for another build says nothing about this one.
# custom:
#   code: evidence/other-subject
#   solution: Run the check on this model version, its datasets or its system file.
violations contains v if {
	some item in input.evidence
	not item.subject in known_subjects
	msg := concat("", ["evidence for ", item.check, " is about ", item.subject])
	v := reason.final("evidence/other-subject", "critical", item.digest, msg)
}

# METADATA
# title: Stale evidence
# description: The subject, data, parameters, tool or policy changed since the check ran, or its time is over.
# custom:
#   code: evidence/stale
#   solution: Run the check again.
violations contains v if {
	some item in input.evidence
	not item.fresh
	msg := concat("", ["evidence for ", item.check, " is stale"])
	v := reason.waivable("evidence/stale", "high", item.check, msg)
}

# METADATA
# title: A check failed
# description: A check that answers no listed threat failed its criterion.
# custom:
#   code: check/failed
#   solution: Repair what the check found and run it again.
violations contains v if {
	some item in usable
	item.verdict == "fail"
	item.check != "scan"
	not answers_a_threat(item)
	msg := concat("", [item.check, " failed; what should hold: ", item.criterion])
	v := reason.waivable("check/failed", "high", item.check, msg)
}

# METADATA
# title: A check could not tell
# description: Not knowing is no pass.
# custom:
#   code: check/inconclusive
#   solution: Give the check what it lacked (more data, a supported format) and run it again.
violations contains v if {
	some item in usable
	item.verdict == "unknown"
	item.check != "scan"
	not answers_a_threat(item)
	msg := concat("", [item.check, " could not tell whether it holds: ", item.criterion])
	v := reason.waivable("check/inconclusive", "high", item.check, msg)
}

# METADATA
# title: A measurement contradicts itself
# description: An estimate lies inside its own interval; one that does not was not measured, or was changed.
# custom:
#   code: evidence/contradiction
#   solution: Run the check again and find out who wrote this evidence.
violations contains v if {
	some item in usable
	some m in item.measurements
	contradicts(m)
	msg := concat("", ["the interval of ", m.name, " does not hold its own estimate"])
	v := reason.final("evidence/contradiction", "critical", item.digest, msg)
}

contradicts(m) if m.low > m.value

contradicts(m) if m.high < m.value

contradicts(m) if m.confidence < 0

contradicts(m) if m.confidence >= 1

# METADATA
# title: A check that passed has critical findings
# description: A criterion that overlooks something critical is the wrong criterion.
# custom:
#   code: check/critical
#   solution: Repair what was found, or have two people waive the finding.
violations contains v if {
	some item in usable
	item.check != "scan"
	item.findings.critical > 0
	msg := concat("", [item.check, " has critical findings"])
	v := reason.waivable("check/critical", "critical", item.check, msg)
}

# --- the scan -----------------------------------------------------------------------------------------

scans contains item if {
	some item in usable
	item.check == "scan"
	item.subject == input.model.digest
}

# METADATA
# title: The model was not scanned
# description: No usable scan result exists for this model digest.
# custom:
#   code: scan/missing
#   solution: Scan the model (proofhouse scan) and sign the result.
violations contains v if {
	count(scans) == 0
	v := reason.final("scan/missing", "critical", input.model.digest, "no trusted, fresh scan of this model digest")
}

# METADATA
# title: The scan found something critical
# description: A file of the model does harm when it is loaded.
# custom:
#   code: scan/critical
#   solution: Do not load this model anywhere; replace the file and find out where it came from.
violations contains v if {
	some scan in scans
	scan.findings.critical > 0
	v := reason.final("scan/critical", "critical", input.model.digest, "the scan has critical findings")
}

# METADATA
# title: The scan found something of high severity
# description: A file of the model is not fit for release as it is.
# custom:
#   code: scan/high
#   solution: Convert the file to a format that holds no code, or have two people waive the finding.
violations contains v if {
	some scan in scans
	scan.findings.high > 0
	v := reason.waivable("scan/high", "high", input.model.digest, "the scan has findings of high severity")
}

# METADATA
# title: The scan failed
# description: The scan's own criterion does not hold.
# custom:
#   code: scan/failed
#   solution: Read the scan's findings and repair the files they name.
violations contains v if {
	some scan in scans
	scan.verdict == "fail"
	v := reason.waivable("scan/failed", "high", input.model.digest, concat("", ["the scan failed; what should hold: ", scan.criterion]))
}

# METADATA
# title: The scan could not tell
# description: A file that cannot be proven inert is not clean.
# custom:
#   code: scan/inconclusive
#   solution: Convert the file to a format the scanner reads in full.
violations contains v if {
	some scan in scans
	scan.verdict == "unknown"
	v := reason.waivable("scan/inconclusive", "high", input.model.digest, "the scan could not prove every file inert")
}

# --- performance and robustness: bounds, never point estimates ----------------------------------------

measured contains m if {
	some item in usable
	some m in item.measurements
}

# A requirement for the slice "*" speaks about every slice that was measured.
in_slice(m, "*") if m.slice != ""

in_slice(m, slice) if {
	slice != "*"
	m.slice == slice
}

measured_for(requirement) := {m |
	some m in measured
	m.name == requirement.metric
	m.confidence >= requirement.confidence
	m.n > 0
	in_slice(m, requirement.slice)
}

label(requirement) := requirement.metric if requirement.slice == ""

else := concat("", [requirement.metric, "[", requirement.slice, "]"])

# METADATA
# title: No performance floor
# description: A release without a floor would accept any model.
# custom:
#   code: requirements/no-floor
#   solution: State at least one performance floor in the system file.
violations contains v if {
	count(input.requirements.floors) == 0
	v := reason.waivable("requirements/no-floor", "high", input.system.digest, "the system file states no performance floor")
}

# METADATA
# title: No robustness ceiling
# description: Evasion is tested and no limit says how much of it is too much.
# custom:
#   code: requirements/no-ceiling
#   solution: State a ceiling on evasion success in the system file.
violations contains v if {
	some threat in to_test
	"evasion" in threat.required_checks
	count(input.requirements.ceilings) == 0
	v := reason.waivable("requirements/no-ceiling", "high", input.system.digest, "evasion is a threat and no ceiling is stated")
}

# METADATA
# title: A required metric was not measured
# description: No usable evidence measures it with the confidence that was asked for.
# custom:
#   code: metric/missing
#   solution: Measure it on enough data and with an interval, and sign the result.
violations contains v if {
	some requirement in array.concat(input.requirements.floors, input.requirements.ceilings)
	count(measured_for(requirement)) == 0
	msg := concat("", [label(requirement), " was not measured at the confidence asked for"])
	v := reason.waivable("metric/missing", "high", label(requirement), msg)
}

# METADATA
# title: A metric is below its floor
# description: The lower bound of the measured interval is under the floor.
# custom:
#   code: metric/below-floor
#   solution: Improve the model, or measure on more data if only the interval is too wide.
violations contains v if {
	some floor_requirement in input.requirements.floors
	some m in measured_for(floor_requirement)
	m.low < floor_requirement.floor
	subject := label(floor_requirement)
	msg := sprintf("%s: lower bound %v is under the floor %v", [subject, m.low, floor_requirement.floor])
	v := reason.waivable("metric/below-floor", "high", subject, msg)
}

# METADATA
# title: A metric is above its ceiling
# description: The upper bound of the measured interval, such as evasion success, is over the ceiling.
# custom:
#   code: metric/above-ceiling
#   solution: Harden the model (proofhouse harden), or measure on more data if only the interval is too wide.
violations contains v if {
	some ceiling_requirement in input.requirements.ceilings
	some m in measured_for(ceiling_requirement)
	m.high > ceiling_requirement.ceiling
	subject := label(ceiling_requirement)
	msg := sprintf("%s: upper bound %v is over the ceiling %v", [subject, m.high, ceiling_requirement.ceiling])
	v := reason.waivable("metric/above-ceiling", "high", subject, msg)
}

# --- what it is made of -------------------------------------------------------------------------------

# METADATA
# title: No bill of materials
# description: What is in the model must be on record before it leaves the house.
# custom:
#   code: bom/missing
#   solution: Write the ML-BOM (proofhouse bom write).
violations contains v if {
	not input.bom.present
	v := reason.waivable("bom/missing", "high", input.model.digest, "there is no bill of materials")
}

# METADATA
# title: The bill of materials is of another model
# description: It names another digest than the one being released.
# custom:
#   code: bom/other-model
#   solution: Write the ML-BOM again from the model being released.
violations contains v if {
	input.bom.present
	input.bom.model_digest != input.model.digest
	msg := concat("", ["the bill of materials is of ", input.bom.model_digest])
	v := reason.final("bom/other-model", "high", input.model.digest, msg)
}

# METADATA
# title: The bill of materials does not match the files
# description: A file is missing from it, or it lists one with other content.
# custom:
#   code: bom/files-differ
#   solution: Compare with proofhouse bom verify and write it again.
violations contains v if {
	input.bom.present
	not input.bom.files_match
	v := reason.final("bom/files-differ", "high", input.model.digest, "the bill of materials and the files differ")
}

# METADATA
# title: The bill of materials has serious faults
# description: Its lint found faults of high severity.
# custom:
#   code: bom/lint
#   solution: Repair what proofhouse bom verify lists.
violations contains v if {
	input.bom.lint.high > 0
	v := reason.waivable("bom/lint", "high", input.bom.digest, "the bill of materials has faults of high severity")
}

# METADATA
# title: No dataset is declared
# description: What the model was trained on is unknown.
# custom:
#   code: dataset/undeclared
#   solution: Declare the datasets in the system file, or have two people waive it for a third-party model.
violations contains v if {
	count(input.datasets) == 0
	v := reason.waivable("dataset/undeclared", "high", input.model.digest, "no dataset is declared")
}

# METADATA
# title: A dataset's provenance is not verified
# description: Its manifest is missing, unsigned or does not match the records.
# custom:
#   code: dataset/provenance
#   solution: Write and sign the dataset's manifest, or restore the records it speaks about.
violations contains v if {
	some dataset in input.datasets
	not dataset.provenance_verified
	msg := concat("", ["the provenance of dataset ", dataset.name, " is not verified"])
	v := reason.waivable("dataset/provenance", "high", dataset.name, msg)
}

# METADATA
# title: A dataset has been recalled
# description: What was learnt from recalled data is recalled with it.
# custom:
#   code: dataset/recalled
#   solution: Train without the recalled records.
violations contains v if {
	some dataset in input.datasets
	dataset.digest in input.recalled
	msg := concat("", ["dataset ", dataset.name, " is on the recall list"])
	v := reason.final("dataset/recalled", "critical", dataset.digest, msg)
}

# Rules of the site add to these; see site.rego.
violations contains v if some v in site.release

# --- warnings: for people, they never decide ----------------------------------------------------------

warn contains v if {
	some problem in waiver_problems
	v := reason.final(problem.code, "medium", concat(" ", [problem.waiver.code, problem.waiver.subject]), problem.msg)
}

warn contains v if {
	some w in live_waivers
	w.expires_ns - input.request.now_ns < 14 * day_ns
	v := reason.final("waiver/expiring", "low", concat(" ", [w.code, w.subject]), "the waiver expires within 14 days")
}

warn contains v if {
	some w in live_waivers
	some violation in violations
	violation.code == w.code
	violation.waivable != true
	v := reason.final("waiver/not-waivable", "medium", concat(" ", [w.code, w.subject]), "this reason cannot be waived")
}

# METADATA
# title: No test of this build answers the threat
# description: It is open and only people can say where it stands.
# custom:
#   code: threat/manual
#   solution: Test it by other means and record an acceptance with a date, or wait for a build that has the test.
warn contains v if {
	some threat in applicable
	not threat.automatic
	threat.state in {"open", "stale"}
	v := reason.final("threat/manual", threat.severity, threat.id, "no machine test answers this threat; a person must")
}

warn contains v if {
	some threat in applicable
	threat.state == "unknown"
	threat.severity in {"info", "low", "medium"}
	v := reason.final("threat/unknown", threat.severity, threat.id, "it is not known whether this threat applies")
}

warn contains v if {
	some scan in scans
	scan.findings.medium > 0
	v := reason.final("scan/medium", "medium", input.model.digest, "the scan has findings of medium severity")
}

warn contains v if {
	input.bom.lint.medium > 0
	v := reason.final("bom/lint", "medium", input.bom.digest, "the bill of materials has faults of medium severity")
}

warn contains v if {
	some dataset in input.datasets
	trim_space(dataset.licence) == ""
	v := reason.final("dataset/no-licence", "medium", dataset.name, "the dataset states no licence")
}

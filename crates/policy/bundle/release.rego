# METADATA
# title: Release gate
# description: >-
#   May this model version be released? Reads signed evidence only: each fact it relies on is a verified
#   signature, a digest comparison or a bound that was measured, never a statement of intent.
package proofhouse.release

import rego.v1

import data.proofhouse.reason
import data.proofhouse.shape
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

# --- what the input must hold -------------------------------------------------------------------------

malformed contains "input.schema" if not input.schema == "proofhouse.release/v1"

malformed contains path if {
	some path in shape.problems(input, "input", {
		"request": "record",
		"model": "record",
		"signature": "record",
		"system": "record",
		"threat_model": "record",
		"evidence": "list",
		"bom": "record",
		"datasets": "list",
		"requirements": "record",
		"waivers": "list",
		"recalled": "list",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "request"), "request", {
		"now_ns": "count",
		"environment": "name",
		"actor": "name",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "model"), "model", {
		"name": "name",
		"version": "name",
		"digest": "digest",
		"files": "list",
	})
}

malformed contains path if {
	files := shape.list(shape.part(input, "model"), "files")
	some path in shape.list_problems(files, "model.files", {"path": "name", "size": "count", "sha256": "digest"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "signature"), "signature", {
		"present": "flag",
		"verified": "flag",
		"trusted": "flag",
		"digest": "digest or none",
		"signer": "text",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "system"), "system", {"digest": "digest"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "threat_model"), "threat_model", {
		"digest": "digest",
		"system_digest": "digest",
		"threats": "list",
	})
}

malformed contains path if {
	threats := shape.list(shape.part(input, "threat_model"), "threats")
	some path in shape.list_problems(threats, "threat_model.threats", {
		"id": "name",
		"severity": "severity",
		"state": "name",
		"required_checks": "list",
		"automatic": "flag",
	})
}

malformed contains path if {
	some index, threat in shape.list(shape.part(input, "threat_model"), "threats")
	not threat.state in {"open", "controlled", "accepted", "not-applicable", "stale", "unknown"}
	path := concat(".", ["threat_model.threats", format_int(index, 10), "state"])
}

malformed contains path if {
	some index, threat in shape.list(shape.part(input, "threat_model"), "threats")
	where := concat(".", ["threat_model.threats", format_int(index, 10), "required_checks"])
	some path in shape.element_problems(shape.list(threat, "required_checks"), where, "name")
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "evidence"), "evidence", {
		"digest": "digest",
		"check": "name",
		"subject": "digest",
		"verdict": "verdict",
		"fresh": "flag",
		"threats": "list",
		"signer": "text",
		"trusted": "flag",
		"criterion": "text",
		"measurements": "list",
		"findings": "record",
	})
}

malformed contains path if {
	some index, item in shape.list(input, "evidence")
	where := concat(".", ["evidence", format_int(index, 10), "threats"])
	some path in shape.element_problems(shape.list(item, "threats"), where, "name")
}

malformed contains path if {
	some index, item in shape.list(input, "evidence")
	where := concat(".", ["evidence", format_int(index, 10), "measurements"])
	some path in shape.list_problems(shape.list(item, "measurements"), where, {
		"name": "name",
		"slice": "text",
		"value": "number",
		"low": "number",
		"high": "number",
		"confidence": "number",
		"n": "count",
	})
}

malformed contains path if {
	some index, item in shape.list(input, "evidence")
	where := concat(".", ["evidence", format_int(index, 10), "findings"])
	some path in shape.problems(shape.part(item, "findings"), where, {
		"critical": "count",
		"high": "count",
		"medium": "count",
		"low": "count",
		"info": "count",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "bom"), "bom", {
		"present": "flag",
		"digest": "digest or none",
		"model_digest": "digest or none",
		"files_match": "flag",
		"lint": "record",
	})
}

malformed contains path if {
	lint := shape.part(shape.part(input, "bom"), "lint")
	some path in shape.problems(lint, "bom.lint", {"high": "count", "medium": "count"})
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "datasets"), "datasets", {
		"name": "name",
		"digest": "digest",
		"provenance_verified": "flag",
		"licence": "text",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "requirements"), "requirements", {
		"floors": "list",
		"ceilings": "list",
	})
}

malformed contains path if {
	floors := shape.list(shape.part(input, "requirements"), "floors")
	some path in shape.list_problems(floors, "requirements.floors", {
		"metric": "name",
		"slice": "text",
		"floor": "number",
		"confidence": "share",
	})
}

malformed contains path if {
	ceilings := shape.list(shape.part(input, "requirements"), "ceilings")
	some path in shape.list_problems(ceilings, "requirements.ceilings", {
		"metric": "name",
		"slice": "text",
		"ceiling": "number",
		"confidence": "share",
	})
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "waivers"), "waivers", {
		"code": "name",
		"subject": "name",
		"owner": "name",
		"approved_by": "name",
		"reason": "name",
		"expires_ns": "count",
	})
}

malformed contains path if {
	some path in shape.element_problems(shape.list(input, "recalled"), "recalled", "digest")
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
	msg := concat("", [item.check, " failed: ", item.criterion])
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
	msg := concat("", [item.check, " could not tell: ", item.criterion])
	v := reason.waivable("check/inconclusive", "high", item.check, msg)
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
	v := reason.waivable("scan/failed", "high", input.model.digest, concat("", ["the scan failed: ", scan.criterion]))
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

# --- threats ------------------------------------------------------------------------------------------

# METADATA
# title: The threat model is empty
# description: A system without threats is a system nobody looked at.
# custom:
#   code: threat-model/empty
#   solution: Derive the threats from the system file (proofhouse plan).
violations contains v if {
	count(input.threat_model.threats) == 0
	v := reason.final("threat-model/empty", "critical", input.threat_model.digest, "the threat model lists no threat")
}

# METADATA
# title: The threat model is of another system
# description: The system file changed since the threats were derived.
# custom:
#   code: threat-model/other-system
#   solution: Derive the threats again (proofhouse plan).
violations contains v if {
	input.threat_model.system_digest != input.system.digest
	msg := concat("", ["the threats were derived from ", input.threat_model.system_digest])
	v := reason.final("threat-model/other-system", "critical", input.threat_model.digest, msg)
}

applicable contains threat if {
	some threat in input.threat_model.threats
	threat.state != "not-applicable"
}

# Threats that tests must answer. An accepted threat is answered by its waiver instead.
to_test contains threat if {
	some threat in applicable
	threat.automatic
	threat.state != "accepted"
}

answers_a_threat(item) if {
	some threat in to_test
	threat.id in item.threats
	item.check in threat.required_checks
}

answers(threat, check) := {item |
	some item in usable
	item.check == check
	threat.id in item.threats
}

# METADATA
# title: A threat is untested
# description: A check that this threat calls for has no usable evidence.
# custom:
#   code: threat/untested
#   solution: Run the check (proofhouse assess), or record a waiver that two people stand for.
violations contains v if {
	some threat in to_test
	some check in threat.required_checks
	count(answers(threat, check)) == 0
	msg := concat("", ["no usable evidence of ", check, " for ", threat.id])
	v := reason.waivable("threat/untested", threat.severity, threat.id, msg)
}

violations contains v if {
	some threat in to_test
	count(threat.required_checks) == 0
	msg := concat("", [threat.id, " is to be tested by machine and names no check"])
	v := reason.waivable("threat/untested", threat.severity, threat.id, msg)
}

# METADATA
# title: A threat's test failed
# description: The model does not withstand this threat to the stated criterion.
# custom:
#   code: threat/failed
#   solution: Harden the model or the system against it and run the check again.
violations contains v if {
	some threat in to_test
	some check in threat.required_checks
	some item in answers(threat, check)
	item.verdict == "fail"
	msg := concat("", [check, " failed for ", threat.id, ": ", item.criterion])
	v := reason.waivable("threat/failed", threat.severity, threat.id, msg)
}

# METADATA
# title: A threat's test could not tell
# description: Not knowing is no pass.
# custom:
#   code: threat/inconclusive
#   solution: Give the check what it lacked, such as more data, and run it again.
violations contains v if {
	some threat in to_test
	some check in threat.required_checks
	some item in answers(threat, check)
	item.verdict == "unknown"
	msg := concat("", [check, " could not tell for ", threat.id, ": ", item.criterion])
	v := reason.waivable("threat/inconclusive", threat.severity, threat.id, msg)
}

# METADATA
# title: A threat is accepted without a waiver
# description: Acceptance is a decision of two people with an end, not a word in a table.
# custom:
#   code: threat/accepted
#   solution: Record a waiver for this threat with owner, approver, reason and expiry.
violations contains v if {
	some threat in applicable
	threat.state == "accepted"
	msg := concat("", [threat.id, " is accepted; acceptance needs a live waiver"])
	v := reason.waivable("threat/accepted", threat.severity, threat.id, msg)
}

# METADATA
# title: It is not known whether a serious threat applies
# description: The system file lacks the facts to tell.
# custom:
#   code: threat/unknown
#   solution: Complete the system file and derive the threats again.
violations contains v if {
	some threat in applicable
	threat.state == "unknown"
	threat.severity in {"high", "critical"}
	msg := concat("", ["it is not known whether ", threat.id, " applies"])
	v := reason.waivable("threat/unknown", threat.severity, threat.id, msg)
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
	m.confidence < 1
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

# --- waivers ------------------------------------------------------------------------------------------

day_ns := 86400000000000

longest_waiver_ns := 90 * day_ns

waiver_problems contains {"waiver": w, "code": "waiver/expired", "msg": "the waiver has expired"} if {
	some w in input.waivers
	w.expires_ns <= input.request.now_ns
}

waiver_problems contains {"waiver": w, "code": "waiver/self-approved", "msg": "owner and approver are the same person"} if {
	some w in input.waivers
	lower(trim_space(w.owner)) == lower(trim_space(w.approved_by))
}

waiver_problems contains {"waiver": w, "code": "waiver/too-long", "msg": "the waiver runs more than 90 days ahead"} if {
	some w in input.waivers
	w.expires_ns - input.request.now_ns > longest_waiver_ns
}

faulty_waivers := {problem.waiver | some problem in waiver_problems}

live_waivers contains w if {
	some w in input.waivers
	not w in faulty_waivers
}

waivers_of(v) := {w |
	v.waivable == true
	some w in live_waivers
	w.code == v.code
	w.subject == v.subject
}

deny contains v if {
	some v in violations
	count(waivers_of(v)) == 0
}

waived contains object.union(v, {"waiver": w}) if {
	some v in violations
	some w in waivers_of(v)
}

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
